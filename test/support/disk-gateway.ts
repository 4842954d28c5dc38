import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { GatewayParts } from "../../src/gateway.ts";
import { type Logger, SILENT_LOGGER } from "../../src/telemetry/logger.ts";
import { FaultyEnvironment } from "./faulty-environment.ts";
import { type RunningGateway, type SettingsTree, startGateway } from "./gateway.ts";

/** A gateway on a directory, whose disk the test may hold up or let fail. */
export interface DiskGateway extends RunningGateway {
  readonly disk: FaultyEnvironment;
}

/** How a gateway is started on a directory, beside its directory. */
export interface DiskGatewayOptions {
  /** Of `store`; those of other parts stand in {@link DiskGatewayOptions.settings}. */
  readonly store?: SettingsTree;
  readonly settings?: SettingsTree;
  readonly parts?: GatewayParts;
  readonly logger?: Logger;
}

/**
 * Starts a gateway on a directory. It is stopped with the test at the latest, after what its disk
 * holds back has been let go.
 */
export async function startOnDisk(
  directory: string,
  { store = {}, settings = {}, parts = {}, logger = SILENT_LOGGER }: DiskGatewayOptions = {},
): Promise<DiskGateway> {
  const disk = new FaultyEnvironment({ directory, isFlushed: true });
  const all = { ...settings, store: { kind: "lmdb", dataDir: directory, ...store } };
  const running = await startGateway(all, { ...parts, storeEnvironment: disk }, logger);
  onTestFinished(async () => {
    disk.commitFault = null;
    disk.release();
    await running.stop();
  });
  return { ...running, disk };
}

/** A path for the directory of a store, or of its copy; gone with the test. */
export async function storeDirectory(): Promise<string> {
  const folder = await mkdtemp(join(process.cwd(), ".test-store-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "data");
}
