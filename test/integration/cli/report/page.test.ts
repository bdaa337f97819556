// The page of a comparison in a real Chromium: what is played, cut, shown and copied is read back from it, as pixels where it is pictures.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import type { Clip } from '../../../../cli/compare/clip.ts';
import { compareClips, reportOf } from '../../../../cli/compare/compared.ts';
import { htmlReport } from '../../../../cli/report/html-report.ts';
import type { JobId } from '../../../../common/task.ts';
import { parseRenderSpec } from '../../../../recipes/spec/parse.ts';
import type { RgbImage } from '../../../../workers/media/media-types.ts';
import { CHROMIUM, startBrowser } from '../../../support/browser.ts';

const WIDTH = 64;
const HEIGHT = 48;
const FRAMES = 5;
const PROMPT = '</script><script>document.title = "taken"</script> a "red" <b>square</b>';

/** Frame n of clip c: green is 40 n, red tells the clip, so that a pixel says what is shown. */
function clip(label: string, red: number, more: Partial<Clip> = {}): Clip {
  const frame = (n: number): RgbImage => {
    const rgb = new Uint8Array(WIDTH * HEIGHT * 3);
    for (let i = 0; i < rgb.length; i += 3) rgb.set([red, 40 * n, 10], i);
    return { rgb, width: WIDTH, height: HEIGHT };
  };
  const frames = Array.from({ length: FRAMES }, (_, n) => frame(n));
  const origin = { path: `/clips/${label}.mp4` };
  return { label, frames, framesPerSecond: 20, kind: 'measured', origin, ...more };
}

async function writePage(folder: string): Promise<string> {
  const request = parseRenderSpec(
    {
      apiVersion: 'bivdiff/v1',
      task: 'controlnet',
      prompt: PROMPT,
      steps: 10,
      input: { path: '/home/somebody/clip.mp4' },
    },
    'the test',
  );
  const shown = clip('control', 0, { kind: 'shown' });
  const first = clip('first', 100);
  const origin = { job: 'ab'.repeat(32) as JobId, panel: 'smoothed', request };
  const clips = [shown, first, clip('second', 200, { prompt: PROMPT, origin })];
  const comparison = await compareClips(clips, first, { signal: new AbortController().signal });
  const path = join(folder, 'page.html');
  await writeFile(path, htmlReport(await reportOf(comparison, { title: `Of ${PROMPT}` })));
  return path;
}

/** Of a canvas at a share of its width, halfway down. */
async function pixel(page: Page, canvas: string, share = 0.5): Promise<readonly number[]> {
  const script = `(() => {
    const canvas = document.querySelector(${JSON.stringify(canvas)});
    const x = Math.floor(canvas.width * ${share});
    return [...canvas.getContext('2d').getImageData(x, ${HEIGHT / 2}, 1, 1).data.slice(0, 3)];
  })()`;
  return page.evaluate<number[]>(script);
}

const clipPixel = (page: Page, index: number) => pixel(page, `canvas[data-clip="${index}"]`);
const frameText = (page: Page) => page.textContent('#frame');

describe.skipIf(CHROMIUM === undefined)('the page of a comparison, in Chromium', () => {
  let browser: Browser;
  let folder: string;
  let url: string;
  const faults: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bivdiff-page-'));
    url = pathToFileURL(await writePage(folder)).href;
    browser = await startBrowser();
  });

  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });

  /** Opened, ready, and standing still at the first frame. */
  async function open(width = 1400, motion: 'reduce' | 'no-preference' = 'reduce'): Promise<Page> {
    const context = await browser.newContext({
      viewport: { width, height: 900 },
      reducedMotion: motion,
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const page = await context.newPage();
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    page.on('request', (request) => {
      if (!/^(file|data):/.test(request.url())) faults.push(request.url());
    });
    await page.goto(url);
    await page.waitForSelector('body[data-ready]');
    return page;
  }

  it('shows the same frame of all clips, which the scrubber and the keys choose', async () => {
    const page = await open();
    expect(await frameText(page)).toBe('1 / 5');
    expect(await clipPixel(page, 1)).toEqual([100, 0, 10]);
    await page.focus('#scrubber');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    expect(await frameText(page)).toBe('3 / 5');
    expect(await clipPixel(page, 0)).toEqual([0, 80, 10]);
    expect(await clipPixel(page, 1)).toEqual([100, 80, 10]);
    expect(await clipPixel(page, 2)).toEqual([200, 80, 10]);
    // Where nothing has the focus, too; beyond the end it begins again.
    await page.evaluate('document.activeElement.blur()');
    await page.keyboard.press('End');
    expect(await frameText(page)).toBe('5 / 5');
    await page.keyboard.press('ArrowRight');
    expect(await frameText(page)).toBe('1 / 5');
    await page.click('#back');
    expect(await clipPixel(page, 2)).toEqual([200, 160, 10]);
    // A frame of the contact sheet is a place to go to.
    await page.click('img[data-clip="1"][data-frame="1"]');
    expect(await frameText(page)).toBe('2 / 5');
    const cursor = await page.getAttribute('.cursor', 'visibility');
    expect(cursor).toBe('visible');
  });

  it('plays from the button and stops there; by itself only where motion is welcome', async () => {
    const still = await open();
    expect(await still.getAttribute('#play', 'aria-pressed')).toBe('false');
    await still.click('#play');
    await still.waitForSelector('#frame:not(:text-is("1 / 5"))');
    await still.keyboard.press(' ');
    expect(await still.textContent('#play')).toBe('Play');
    const stopped = await frameText(still);
    await still.click('#forward');
    expect(await frameText(still)).not.toBe(stopped);
    const moving = await open(1400, 'no-preference');
    await moving.waitForSelector('#play[aria-pressed="true"]');
    expect(await moving.textContent('#play')).toBe('Pause');
  });

  it('cuts two clips where the slider stands', async () => {
    const page = await open();
    expect(await pixel(page, '#split', 0.45)).toEqual([100, 0, 10]);
    expect(await pixel(page, '#split', 0.55)).toEqual([200, 0, 10]);
    await page.focus('#share');
    for (let n = 0; n < 40; n++) await page.keyboard.press('ArrowLeft');
    expect(await page.inputValue('#share')).toBe('30');
    expect(await pixel(page, '#split', 0.25)).toEqual([100, 0, 10]);
    expect(await pixel(page, '#split', 0.35)).toEqual([200, 0, 10]);
    // Dragged by a pointer.
    const box = (await page.locator('.slider').boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.3, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.8, box.y + box.height / 2);
    await page.mouse.up();
    expect(Number(await page.inputValue('#share'))).toBeGreaterThan(75);
    expect(await pixel(page, '#split', 0.7)).toEqual([100, 0, 10]);
    await page.selectOption('#left', { label: 'control' });
    expect(await pixel(page, '#split', 0.2)).toEqual([0, 0, 10]);
    await page.focus('#scrubber');
    await page.keyboard.press('ArrowRight');
    expect(await pixel(page, '#split', 0.2)).toEqual([0, 40, 10]);
  });

  it('copies the spec as bivdiff render takes it, without the folder that it was in', async () => {
    const page = await open();
    await page.click('button.copy');
    await page.waitForSelector('.copy:text-is("Copied")');
    const copied = await page.evaluate<string>('navigator.clipboard.readText()');
    expect(parse(copied)).toEqual({
      ...{ apiVersion: 'bivdiff/v1', task: 'controlnet', prompt: PROMPT, steps: 10 },
      input: { path: 'clip.mp4' },
    });
  });

  it('shows what was typed as text', async () => {
    const page = await open();
    expect(await page.title()).toBe(`Of ${PROMPT}`);
    expect(await page.textContent('h1')).toBe(`Of ${PROMPT}`);
    expect(await page.locator('b').count()).toBe(0);
  });

  it.each([1400, 390])('fits a window %d wide', async (width) => {
    const page = await open(width);
    const sizes = await page.evaluate<{ wide: number; beyond: string[] }>(`(() => ({
      wide: document.documentElement.scrollWidth,
      beyond: [...document.querySelectorAll('canvas, button, select, svg, figcaption, .wide')]
        .filter((one) => one.getBoundingClientRect().right > innerWidth)
        .map((one) => one.outerHTML.slice(0, 80)),
    }))()`);
    expect(sizes).toEqual({ wide: width, beyond: [] });
    expect(await page.isVisible('#play')).toBe(true);
  });

  it('gave no error and asked the network for nothing, in all of this', () => {
    expect(faults).toEqual([]);
  });
});
