// A comparison as one HTML file that holds all it shows: pictures, style and script are in it, and it asks the network for nothing. Without
// its script it still shows the contact sheet, the tables and the plots.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { html, raw } from './html.ts';
import type { Html } from './html.ts';
import { legend, plot } from './plots.ts';
import type { Report, ReportClip } from './report.ts';
import { figureTable, gridTables } from './tables.ts';

/** By which an earlier report is known, in a file's first 200 characters. */
export const REPORT_HTML_MARK = '<!-- bivdiff comparison -->';

/** Nothing may be fetched, by whatever somebody's prompt may hold. */
const POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** The whole page. */
export function htmlReport(report: Report): string {
  const { title, clips, framesPerSecond, frames, width, height } = report;
  const told = report.means ?? clips;
  const table = report.means === undefined ? report : { ...report, clips: told, reference: 0 };
  const page = html`<!doctype html>
    ${raw(REPORT_HTML_MARK)}
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${raw(POLICY)}" />
        <title>${title}</title>
        <style>
          ${raw(asset('page.css'))}
        </style>
      </head>
      <body
        data-frames="${frames}"
        data-fps="${framesPerSecond}"
        style="--wide:${width}; --high:${height}"
      >
        <header>
          <h1>${title}</h1>
          <p class="facts">${report.facts.map((fact) => html`<span>${fact}</span> `)}</p>
        </header>
        <main>
          ${playerSection(report)}
          <div class="pair">
            ${sliderSection(report)}
            <section aria-labelledby="figures">
              <h2 id="figures">Figures</h2>
              ${figureTable(table)} ${definitions(report)}
            </section>
          </div>
          ${report.grid === undefined ? undefined : gridTables(report, report.grid)}
          <section aria-labelledby="plots">
            <h2 id="plots">Frame by frame</h2>
            ${legend(told)}
            <div class="plots">${report.figures.flatMap((figure) => plot(figure, told) ?? [])}</div>
          </section>
          ${sheetSection(report)} ${specSection(report)}
        </main>
        <footer>Made with bivdiff. All clips are in this file; it loads nothing else.</footer>
        <script>
          ${raw(asset('page.js'))};
        </script>
      </body>
    </html> `;
  return page.html;
}

/** Style and script lie beside this file, also when it is built. */
function asset(name: string): string {
  return readFileSync(join(import.meta.dirname, 'page', name), 'utf8');
}

function playerSection({ clips, width, height, frames, grid }: Report): Html {
  const columns =
    grid === undefined ? undefined : html` style="--columns:${grid.columns.values.length}"`;
  const inGrid = new Set(grid?.clips.flat());
  const place = (clip: number): Html =>
    html`<figure>
      <canvas
        data-clip="${clip}"
        width="${width}"
        height="${height}"
        role="img"
        aria-label="${clips[clip]!.label}"
      ></canvas>
      <figcaption>${clips[clip]!.label}</figcaption>
    </figure>`;
  const others = clips.flatMap((_, index) => (inGrid.has(index) ? [] : [place(index)]));
  return html`<section class="player" aria-labelledby="clips">
    <h2 id="clips">Clips in step</h2>
    <div class="clips">${others}</div>
    ${
      grid &&
      html`<p class="axes">${grid.rows.name} downwards, ${grid.columns.name} to the right</p>
        <div class="clips square" ${columns}>${grid.clips.flat().map(place)}</div>`
    }
    <div class="controls" role="group" aria-label="Playback">
      <button type="button" id="play" aria-pressed="false" title="Space">Play</button>
      <button type="button" id="back" aria-label="One frame back" title="Arrow left">‹</button>
      <button type="button" id="forward" aria-label="One frame forward" title="Arrow right">
        ›
      </button>
      <input type="range" id="scrubber" min="1" max="${frames}" value="1" aria-label="Frame" />
      <output id="frame" for="scrubber">1 / ${frames}</output>
      <label class="speed"
        >Speed
        <select id="speed">
          ${[0.25, 0.5, 1, 2].map(
            (speed) =>
              html`<option value="${speed}" ${speed === 1 ? raw(' selected') : undefined}>
                ${speed}×
              </option>`,
          )}
        </select></label
      >
    </div>
  </section>`;
}

function sliderSection({ clips, width, height, reference, grid }: Report): Html {
  // Of a grid, what is beside the reference.
  const line = grid?.clips.find((clipsOfLine) => clipsOfLine.includes(reference));
  const measured = line ?? clips.flatMap(({ measured: figures }, clip) => (figures ? [clip] : []));
  const other = measured.findLast((clip) => clip !== reference) ?? reference;
  const choice = (id: string, label: string, chosen: number): Html =>
    html`<label
      >${label}
      <select id="${id}">
        ${clips.map(
          (clip, index) =>
            html`<option value="${index}" ${index === chosen ? raw(' selected') : undefined}>
              ${clip.label}
            </option>`,
        )}
      </select></label
    >`;
  return html`<section aria-labelledby="before-after">
    <h2 id="before-after">Before and after</h2>
    <div class="sides">${choice('left', 'Left', reference)} ${choice('right', 'Right', other)}</div>
    <div class="slider" style="--share:50%">
      <canvas
        id="split"
        width="${width}"
        height="${height}"
        role="img"
        aria-label="Two clips, cut at the slider"
      ></canvas>
      <input
        type="range"
        id="share"
        min="0"
        max="100"
        step="0.5"
        value="50"
        aria-label="How much is shown of the left clip, in percent"
      />
      <span class="handle" aria-hidden="true"></span>
    </div>
  </section>`;
}

function definitions({ figures, notes }: Report): Html {
  return html`<dl>
      ${figures.map(
        ({ name, doc }) =>
          html`<dt>${name}</dt>
            <dd>${doc}</dd>`,
      )}
    </dl>
    ${notes.map((note) => html`<p class="note">${note}</p>`)}`;
}

function sheetSection({ clips, width, height, frames }: Report): Html {
  const numbers = Array.from({ length: frames }, (_, n) => html`<span>${n + 1}</span>`);
  const strip = ({ label, pictures }: ReportClip, clip: number): Html =>
    html`<h3>${label}</h3>
      <div class="strip">
        ${pictures.map(
          (picture, frame) =>
            html`<img
              src="${picture}"
              width="${width}"
              height="${height}"
              data-clip="${clip}"
              data-frame="${frame}"
              alt="${label}, frame ${frame + 1}"
            />`,
        )}
      </div>`;
  return html`<section aria-labelledby="sheet">
    <h2 id="sheet">Contact sheet</h2>
    <div
      class="sheet"
      tabindex="0"
      role="region"
      aria-label="All frames of all clips"
      style="--frames:${frames}"
    >
      <div class="strip numbers" aria-hidden="true">${numbers}</div>
      ${clips.map(strip)}
    </div>
  </section>`;
}

function specSection({ specs }: Report): Html | undefined {
  if (specs.length === 0) return undefined;
  return html`<section aria-labelledby="specs">
    <h2 id="specs">The spec to copy</h2>
    ${specs.map(
      ({ label, text }, index) =>
        html`<details${index === 0 ? raw(' open') : undefined}>
<summary>${label}</summary>
<div class="spec"><pre tabindex="0">${text}</pre><button type="button" class="copy">Copy</button></div>
</details>`,
    )}
  </section>`;
}
