/** A real browser for tests of pages: a page opened from its file, and all it complains of or asks the network for. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Page } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** `SPILLWAY_CHROMIUM`, which `.ci/run` sets, or the first browser on the path; undefined: there is none. */
export const CHROMIUM = process.env['SPILLWAY_CHROMIUM'] ?? onPath();

/** Opening a browser and looking at one page, milliseconds. */
export const BROWSER_TIMEOUT_MS = 60_000;

export interface Look {
  /** Width of the window, pixels. */
  readonly width: number;
  readonly scheme: 'light' | 'dark';
}

/**
 * Opens the file and hands its page to `look`. Answers a line for each message of the console, each error, and each
 * request but that of the file itself; an unblemished page has none.
 */
export async function faultsOf(
  path: string,
  { width, scheme }: Look,
  look: (page: Page) => Promise<void>,
): Promise<string[]> {
  const browser = await chromium.launch({ executablePath: CHROMIUM as string, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme: scheme });
    const faults: string[] = [];
    page.on('console', (message) => void faults.push(message.text()));
    page.on('pageerror', (error) => void faults.push(error.message));
    page.on('request', (request) => void (request.url() === `file://${path}` || faults.push(request.url())));
    await page.goto(`file://${path}`);
    await look(page);
    return faults;
  } finally {
    await browser.close();
  }
}

function onPath(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}
