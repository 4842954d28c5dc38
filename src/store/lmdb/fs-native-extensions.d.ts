declare module "fs-native-extensions" {
  /**
   * Asks for an exclusive lock on the open file: `false` when another open file has one. Gone with
   * the last descriptor of this open file, also when the process is killed.
   */
  export function tryLock(fd: number): boolean;
}
