// The figures of a comparison as tables: a line for each clip and, where two settings were tried against each other, a field for each pair
// of values. Pure.

import { html } from './html.ts';
import type { Html } from './html.ts';
import { looksOf, swatch } from './plots.ts';
import type { Figure, Report, ReportClip, ReportGrid } from './report.ts';

/** A row for each measured clip, a column for each figure that any of them has. */
export function figureTable({
  clips,
  figures,
  reference,
}: Pick<Report, 'clips' | 'figures' | 'reference'>): Html {
  const shown = figures.filter(({ id }) => clips.some(({ measured }) => measured?.[id]));
  const looks = looksOf(clips);
  const rows = clips.flatMap((clip, index) =>
    clip.measured === undefined
      ? []
      : [
          html`<tr>
            <th scope="row">
              ${swatch(looks[index]!)} ${clip.label}
              ${index === reference ? html`<small class="badge">reference</small>` : undefined}
            </th>
            ${shown.map((figure) => cell(figure, clip, clips))}
          </tr>`,
        ],
  );
  return html`<div class="wide" tabindex="0" role="region" aria-label="Figures of each clip">
    <table>
      <thead>
        <tr>
          <th scope="col">clip</th>
          ${shown.map(
            ({ name, unit, better }) =>
              html`<th scope="col">${name} <small>${unit}, ${better} is better</small></th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

/** A table for each figure: rows and columns are values of the two settings, shaded by the figure. */
export function gridTables({ clips, figures }: Report, grid: ReportGrid): Html {
  const shown = figures.filter(({ id }) =>
    grid.clips.flat().some((clip) => clips[clip]?.measured?.[id]),
  );
  return html`<div class="grids" style="--columns:${grid.columns.values.length}">
    ${shown.map((figure) => gridTable(figure, clips, grid))}
  </div>`;
}

function gridTable(figure: Figure, clips: readonly ReportClip[], grid: ReportGrid): Html {
  const { rows, columns } = grid;
  const means = grid.clips.map((line) =>
    line.map((clip) => clips[clip]?.measured?.[figure.id]?.mean),
  );
  const all = means.flat().filter((mean) => mean !== undefined);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  /** 0 for the worst, 1 for the best. */
  const goodness = (mean: number): number => {
    const share = high === low ? 1 : (mean - low) / (high - low);
    return figure.better === 'higher' || high === low ? share : 1 - share;
  };
  return html`<div
    class="wide"
    tabindex="0"
    role="region"
    aria-label="${figure.name} by ${rows.name} and ${columns.name}"
  >
    <table class="grid">
      <caption>
        ${figure.name}
        <small
          >${figure.better} is better; ${rows.name} downwards, ${columns.name} to the right</small
        >
      </caption>
      <thead>
        <tr>
          <td></td>
          ${columns.values.map((value) => html`<th scope="col">${value}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.values.map(
          (value, row) =>
            html`<tr>
              <th scope="row">${value}</th>
              ${(means[row] ?? []).map((mean) =>
                mean === undefined
                  ? html`<td>–</td>`
                  : html`<td style="--shade:${Math.round(goodness(mean) * 100)}%">
                      ${figureText(mean)}
                    </td>`,
              )}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function cell({ id, better }: Figure, clip: ReportClip, clips: readonly ReportClip[]): Html {
  const mean = clip.measured?.[id]?.mean;
  if (mean === undefined) return html`<td>–</td>`;
  const all = clips.flatMap(({ measured }) => measured?.[id]?.mean ?? []);
  const best = better === 'lower' ? Math.min(...all) : Math.max(...all);
  return mean === best && all.length > 1
    ? html`<td class="best">${figureText(mean)}</td>`
    : html`<td>${figureText(mean)}</td>`;
}

/** Three digits after the point for shares, two for levels: as many as one reads. */
export function figureText(value: number): string {
  return Math.abs(value) < 1 ? value.toFixed(3) : value.toFixed(2);
}
