/** The committed gallery in a real browser; test/incidents.test.ts shows that it is the one of our runs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BROWSER_TIMEOUT_MS, CHROMIUM, faultsOf } from '../harness/browser.ts';

const PAGE = join(import.meta.dirname, '../../reports/incidents.html');

/** Run in the page: shapes of charts that have no extent, or reach out of their card. */
const LOST_SHAPES = `[...document.querySelectorAll('figure rect:not([width="0.0"]), figure path')].filter((shape) => {
  const { left, right, width, height } = shape.getBoundingClientRect();
  const card = shape.closest('article').getBoundingClientRect();
  return Math.max(width, height) < 1 || left < card.left || right > card.right;
}).length`;

/** Run in the page: texts that are cut off by their card, or smaller than 11 px, the first words of each. */
const LOST_TEXTS = `[...document.querySelectorAll('article *')].filter((element) => {
  if (element.closest('svg') || ![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) {
    return false;
  }
  const { right, width } = element.getBoundingClientRect();
  if (width === 0 || element.closest('details:not([open])') && !element.closest('summary')) return false;
  const isCut = !element.closest('.scroll') && right > element.closest('article').getBoundingClientRect().right;
  return isCut || parseFloat(getComputedStyle(element).fontSize) < 11;
}).map((element) => element.textContent.slice(0, 40))`;

/** Run in the page: the least contrast of a text with what is behind it, as WCAG 2 counts it. */
const LEAST_CONTRAST = `(() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = (color) => {
    const [r, g, b] = channels(color).slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backOf = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const { backgroundColor } = getComputedStyle(each);
      if ((channels(backgroundColor)[3] ?? 1) > 0) return backgroundColor;
    }
    return 'rgb(255, 255, 255)';
  };
  const texts = [...document.querySelectorAll('h1, h2, h3, p, a, span, td, th, summary, figcaption')];
  return Math.min(...texts.map((element) => {
    const [one, other] = [luminance(getComputedStyle(element).color), luminance(backOf(element))];
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  }));
})()`;

/** Run in the page: heads and cells of the widest table that lie outside the window. */
const OUTSIDE = `[...document.querySelectorAll('table th, table td')].filter((cell) => {
  return cell.getBoundingClientRect().right > window.innerWidth;
}).length`;

/** Of WCAG 2, level AA. */
const CONTRAST_MIN = 4.5;

describe.skipIf(CHROMIUM === undefined).each([
  { width: 1200, scheme: 'light' },
  { width: 1200, scheme: 'dark' },
  { width: 400, scheme: 'light' },
  { width: 400, scheme: 'dark' },
] as const)('the gallery at $width px, $scheme', (look) => {
  it('draws a chart a card, asks for nothing, and can be read', async () => {
    const faults = await faultsOf(PAGE, look, async (page) => {
      expect(await page.locator('article').count()).toBeGreaterThanOrEqual(30);
      expect(await page.locator('article:not(:has(figure svg))').count()).toBe(0);
      expect(await page.evaluate(LOST_SHAPES)).toBe(0);
      expect(await page.evaluate(LOST_TEXTS)).toEqual([]);
      expect(await page.evaluate(LEAST_CONTRAST)).toBeGreaterThanOrEqual(CONTRAST_MIN);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(look.width);
      if (look.width < 640) expect(await page.evaluate(OUTSIDE)).toBe(0);
    });
    expect(faults).toEqual([]);
  }, BROWSER_TIMEOUT_MS);
});

describe('the gallery', () => {
  it('links each card from its contents', () => {
    const page = readFileSync(PAGE, 'utf8');
    const targets = [...page.matchAll(/<a href="#([^"]+)"/g)].map(([, target]) => target);
    const cards = [...page.matchAll(/<article id="([^"]+)"/g)].map(([, id]) => id);
    expect(targets).toEqual(cards);
  });

  it('calls no alternative good or bad', () => {
    const page = readFileSync(PAGE, 'utf8');
    const [, card] = /<article id="datadesigner-725">(.*?)<\/article>/s.exec(page) ?? [];
    const bars = [...(card ?? '').matchAll(/<span class="(\w+)">([\w-]+)<\/span><svg class="(\w+)"/g)];
    expect(Object.fromEntries(bars.map(([, role, variant, bar]) => [variant, [role, bar]]))).toMatchObject({
      baseline: ['before', 'before'],
      fixed: ['after', 'after'],
      neither: ['other', 'other'],
      'baseline-q': ['other', 'other'],
      'fixed-q': ['other', 'other'],
    });
  });
});
