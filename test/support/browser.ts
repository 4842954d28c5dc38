import { type Browser, chromium, type Page } from "playwright-core";

/** Debian's; a browser of the package's own is never downloaded. */
const CHROMIUM = "/usr/bin/chromium";

/**
 * Starts Debian's Chromium without what would ask for a network of its own accord. No sandbox: it
 * cannot have one where tests run as root, and it opens nothing but our own pages.
 */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** What a page did that a page which stands alone must not do. */
export interface PageWatch {
  /** Messages of the console at the level of errors and warnings, and exceptions nobody caught. */
  readonly complaints: readonly string[];
  /** Addresses that were asked for, beside the page's own. */
  readonly requests: readonly string[];
}

/** Listens from now on; call it before the page is opened. */
export function watchPage(page: Page): PageWatch {
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!request.isNavigationRequest()) requests.push(request.url());
  });
  return { complaints, requests };
}
