// What a comparison's page does: plays all clips in step, cuts two of them at a slider, moves the plots' cursors along, copies specs. Runs in
// the browser; every frame is an <img> of the contact sheet.

(() => {
  /**
   * @template {Element} E
   * @param {string} selector
   * @param {new () => E} kind
   * @returns {E}
   */
  const one = (selector, kind) => {
    const found = document.querySelector(selector);
    if (!(found instanceof kind)) throw new TypeError(`the page has no ${selector}`);
    return found;
  };

  const frames = Number(document.body.dataset['frames']);
  const framesPerSecond = Number(document.body.dataset['fps']);
  const play = one('#play', HTMLButtonElement);
  const scrubber = one('#scrubber', HTMLInputElement);
  const output = one('#frame', HTMLOutputElement);
  const speed = one('#speed', HTMLSelectElement);
  const left = one('#left', HTMLSelectElement);
  const right = one('#right', HTMLSelectElement);
  const share = one('#share', HTMLInputElement);
  const split = one('#split', HTMLCanvasElement);
  const slider = one('.slider', HTMLElement);

  /** By clip, then by frame. @type {HTMLImageElement[][]} */
  const pictures = [];
  for (const image of document.querySelectorAll('img')) {
    (pictures[Number(image.dataset['clip'])] ??= [])[Number(image.dataset['frame'])] = image;
  }
  /** @type {NodeListOf<HTMLCanvasElement>} */
  const canvases = document.querySelectorAll('canvas[data-clip]');
  /** @type {NodeListOf<SVGLineElement>} */
  const cursors = document.querySelectorAll('.cursor');

  let frame = 0;
  let isPlaying = false;
  /** When the shown frame is over, in the clock of requestAnimationFrame. */
  let dueMs = 0;

  /** @param {HTMLCanvasElement} canvas @param {number} clip @param {number} [fromX] */
  const draw = (canvas, clip, fromX = 0) => {
    const image = pictures[clip]?.[frame];
    const context = canvas.getContext('2d');
    if (!context || !image?.complete) return;
    const { width, height } = canvas;
    context.drawImage(image, fromX, 0, width - fromX, height, fromX, 0, width - fromX, height);
  };

  const showSplit = () => {
    const percent = Number(share.value);
    slider.style.setProperty('--share', `${percent}%`);
    draw(split, Number(left.value));
    const cut = Math.round((split.width * percent) / 100);
    if (cut < split.width) draw(split, Number(right.value), cut);
  };

  const show = () => {
    for (const canvas of canvases) draw(canvas, Number(canvas.dataset['clip']));
    showSplit();
    scrubber.value = String(frame + 1);
    scrubber.setAttribute('aria-valuetext', `frame ${frame + 1} of ${frames}`);
    output.textContent = `${frame + 1} / ${frames}`;
    for (const cursor of cursors) {
      const { first, count, x, step } = cursor.dataset;
      const index = frame + 1 - Number(first);
      const isOnPlot = index >= 0 && index < Number(count);
      cursor.setAttribute('visibility', isOnPlot ? 'visible' : 'hidden');
      const place = String(Number(x) + index * Number(step));
      cursor.setAttribute('x1', place);
      cursor.setAttribute('x2', place);
    }
    for (const number of document.querySelectorAll('.numbers span')) number.classList.remove('now');
    document.querySelectorAll('.numbers span')[frame]?.classList.add('now');
  };

  /** @param {number} to A frame, from 0; beyond the ends it begins again. */
  const go = (to) => {
    frame = ((to % frames) + frames) % frames;
    show();
  };

  /** @param {number} nowMs */
  const tick = (nowMs) => {
    if (!isPlaying) return;
    const lengthMs = 1000 / (framesPerSecond * Number(speed.value));
    if (nowMs >= dueMs) {
      // A tab that was in the background does not hurry after.
      dueMs = nowMs - dueMs > lengthMs ? nowMs + lengthMs : dueMs + lengthMs;
      go(frame + 1);
    }
    requestAnimationFrame(tick);
  };

  /** @param {boolean} on */
  const setPlaying = (on) => {
    const begins = on && !isPlaying;
    isPlaying = on && frames > 1;
    play.textContent = isPlaying ? 'Pause' : 'Play';
    play.setAttribute('aria-pressed', String(isPlaying));
    if (!begins) return;
    dueMs = performance.now() + 1000 / (framesPerSecond * Number(speed.value));
    requestAnimationFrame(tick);
  };

  /** @param {number} to */
  const step = (to) => {
    setPlaying(false);
    go(to);
  };

  play.addEventListener('click', () => setPlaying(!isPlaying));
  one('#back', HTMLButtonElement).addEventListener('click', () => step(frame - 1));
  one('#forward', HTMLButtonElement).addEventListener('click', () => step(frame + 1));
  scrubber.addEventListener('input', () => step(Number(scrubber.value) - 1));
  share.addEventListener('input', showSplit);
  left.addEventListener('change', showSplit);
  right.addEventListener('change', showSplit);

  document.addEventListener('keydown', (event) => {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // Whatever has the focus and takes keys itself keeps them.
    if (target instanceof Element && target.closest('input, select, button, summary, [tabindex]')) {
      return;
    }
    if (key === ' ') setPlaying(!isPlaying);
    else if (key === 'ArrowLeft') step(frame - 1);
    else if (key === 'ArrowRight') step(frame + 1);
    else if (key === 'Home') step(0);
    else if (key === 'End') step(frames - 1);
    else return;
    event.preventDefault();
  });

  for (const image of document.querySelectorAll('img')) {
    image.addEventListener('click', () => step(Number(image.dataset['frame'])));
  }

  /** @param {HTMLElement} source The text of it. */
  const copy = async (source) => {
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      // Where a page may not write to the clipboard, the old way may work; else the text is selected for the user.
      const range = document.createRange();
      range.selectNodeContents(source);
      getSelection()?.removeAllRanges();
      getSelection()?.addRange(range);
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- for pages without a clipboard of their own
      if (!document.execCommand('copy')) return 'Press Ctrl+C';
    }
    return 'Copied';
  };
  for (const button of document.querySelectorAll('button.copy')) {
    button.addEventListener('click', () => {
      const source = button.previousElementSibling;
      if (!(source instanceof HTMLElement)) return;
      void copy(source).then((said) => {
        button.textContent = said;
        setTimeout(() => (button.textContent = 'Copy'), 2000);
      });
    });
  }

  const all = [...document.querySelectorAll('img')];
  void Promise.all(all.map((image) => image.decode().catch(() => undefined))).then(() => {
    show();
    document.body.dataset['ready'] = 'yes';
    if (!matchMedia('(prefers-reduced-motion: reduce)').matches) setPlaying(true);
  });
})();
