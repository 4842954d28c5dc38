import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

/** Code that the page consists of beside its content. */
export interface PageAssets {
  readonly chartLibrary: string;
  readonly chartLibraryStyle: string;
  readonly chartScript: string;
}

/**
 * Reads them from the installed packages and from beside this file, where the build puts the page's
 * script; `script` names another place for it.
 */
export async function readPageAssets(
  script: URL = new URL("./page/charts.js", import.meta.url),
): Promise<PageAssets> {
  const { resolve } = createRequire(import.meta.url);
  const [chartLibrary, chartLibraryStyle, chartScript] = await Promise.all([
    readFile(resolve("uplot/dist/uPlot.iife.min.js"), "utf8"),
    readFile(resolve("uplot/dist/uPlot.min.css"), "utf8"),
    readFile(script, "utf8"),
  ]);
  // A source map has an address, and a page that stands alone has none to ask.
  const withoutMap = chartScript.replace(/^\/\/# sourceMappingURL=.*$/m, "");
  return { chartLibrary, chartLibraryStyle, chartScript: withoutMap };
}
