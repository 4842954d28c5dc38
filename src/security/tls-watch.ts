import { type FSWatcher, realpathSync, watch } from "node:fs";
import { dirname } from "node:path";

/**
 * A renewal writes several files one after the other; this long after the last of them, all are
 * there. Until then certificate and key may not belong together.
 */
const SETTLE_MS = 300;

/**
 * Tells when one of some files may have changed. Their folders are watched, not they themselves: who
 * renews a certificate puts a new file in the old one's place, by rename or by changing a link, and a
 * watch on the old file would see nothing more.
 */
export class FilesWatch {
  readonly #files: readonly string[];
  readonly #onChange: () => void;
  readonly #onFailure: (error: unknown) => void;
  #watchers: FSWatcher[] = [];
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;

  /** @param onFailure changes may go unseen from here on; called at most once for each folder. */
  constructor(files: readonly string[], onChange: () => void, onFailure: (error: unknown) => void) {
    this.#files = files;
    this.#onChange = onChange;
    this.#onFailure = onFailure;
    this.#open();
  }

  stop(): void {
    this.#isStopped = true;
    this.#close();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #open(): void {
    for (const folder of foldersOf(this.#files)) {
      try {
        const watcher = watch(folder, { persistent: false }, () => this.#seen());
        watcher.on("error", this.#onFailure);
        this.#watchers.push(watcher);
      } catch (error) {
        this.#onFailure(error);
      }
    }
  }

  #close(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close();
  }

  #seen(): void {
    if (this.#isStopped) return;
    this.#timer ??= setTimeout(() => this.#settled(), SETTLE_MS).unref();
    this.#timer.refresh();
  }

  #settled(): void {
    this.#timer = null;
    // A link may lead elsewhere now.
    this.#close();
    this.#open();
    this.#onChange();
  }
}

/** The folders of the files, and of the files their links lead to. */
function foldersOf(files: readonly string[]): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const file of files) {
    folders.add(dirname(file));
    try {
      folders.add(dirname(realpathSync(file)));
    } catch {
      // The file is gone for a moment; the folder of its name is watched, and tells when it is back.
    }
  }
  return folders;
}
