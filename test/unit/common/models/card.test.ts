import { describe, expect, it } from 'vitest';

import { parseCard } from '../../../../common/models/card.ts';

const good = {
  apiVersion: 'bivdiff/v1',
  kind: 'ModelSet',
  name: 'shapes',
  image: 'image',
  videos: { small: 'video/small', large: 'video/large' },
  defaultVideo: 'small',
  generators: {
    canny: { task: 'controlnet', unet: 'unet_controlnet-canny', conditions: [{ low: 60 }] },
    edit: { task: 'pix2pix', unet: 'edit/unet', scheduler: 'edit/scheduler', mixingRatio: 0 },
    joined: { task: 'controlnet', method: 'controlvideo', unet: 'unet_joined' },
  },
  defaults: {
    guidanceScale: 5,
    videoGuidanceScale: 1.5,
    mixingRatio: 0.2,
    steps: 50,
    size: '128x96',
    negativePrompt: 'blurry',
    scheduler: 'ddim',
    inversion: 'official',
  },
  sizeMultiple: 32,
};

const pose = {
  ...{ kind: 'pose', model: 'annotator-pose' },
  skeleton: {
    edges: [[0, 1]],
    colors: [
      [255, 255, 255],
      [255, 0, 0],
    ],
    ...{ radius: 4, lineWidth: 4 },
  },
};

describe('a card', () => {
  it('is read, its size taken apart', () => {
    expect(parseCard(JSON.stringify(good))).toEqual({
      card: {
        name: 'shapes',
        image: 'image',
        videos: { small: { folder: 'video/small' }, large: { folder: 'video/large' } },
        defaultVideo: 'small',
        generators: {
          canny: { task: 'controlnet', unet: 'unet_controlnet-canny', conditions: [{ low: 60 }] },
          edit: {
            ...{ task: 'pix2pix', unet: 'edit/unet', scheduler: 'edit/scheduler' },
            ...{ conditions: [], mixingRatio: 0 },
          },
          joined: {
            ...{ task: 'controlnet', method: 'controlvideo', unet: 'unet_joined' },
            conditions: [],
          },
        },
        annotators: {},
        defaults: {
          guidanceScale: 5,
          videoGuidanceScale: 1.5,
          mixingRatio: 0.2,
          steps: 50,
          width: 128,
          height: 96,
          negativePrompt: 'blurry',
          sampler: 'ddim',
          inversion: 'official',
        },
        sizeMultiple: 32,
      },
    });
  });

  it('may have video models over the image model, and ones with defaults of their own', () => {
    const videos = {
      small: { folder: 'video/small', defaults: { videoGuidanceScale: 9 } },
      motion: { unet: 'unet_motion-a', temporal: 'motion-a', defaults: { mixingRatio: 0.5 } },
      plain: { unet: 'unet_motion-b', temporal: 'motion-b' },
    };
    expect(parseCard(JSON.stringify({ ...good, videos }))).toMatchObject({ card: { videos } });
  });

  const either = /^videos\.small: must be a folder .*"unet": …, "temporal"/;
  it.each([
    [{ temporal: 'motion-a' }, either],
    [{ unet: 'unet_motion-a' }, either],
    [7, either],
    [{ folder: '../elsewhere' }, /^videos\.small\.folder: must lie inside/],
    [
      { folder: 'video/small', defaults: { mixingRatio: 2 } },
      /^videos\.small\.defaults\.mixingRatio: Too big/,
    ],
  ])('is refused with a video model that says %j', (small, problem) => {
    const refused = parseCard(JSON.stringify({ ...good, videos: { small } }));
    expect(refused).toEqual({ problems: [expect.stringMatching(problem)] });
  });

  it('may have fields that this version does not know', () => {
    const text = JSON.stringify({ ...good, license: 'Apache-2.0', trained: { on: 'shapes' } });
    expect(parseCard(text)).toHaveProperty('card.name', 'shapes');
  });

  it.each<[string, object, RegExp]>([
    ['another version', { apiVersion: 'bivdiff/v9' }, /^apiVersion: /],
    ['another kind', { kind: 'Render' }, /^kind: /],
    ['no name', { name: '' }, /^name: /],
    ['a folder outside its own', { image: '../image' }, /^image: must lie inside the folder/],
    ['an absolute folder', { image: '/image' }, /^image: must lie inside the folder/],
    ['no video model', { videos: {}, defaultVideo: '' }, /^videos: must name at least one/],
    ['an unknown default', { defaultVideo: 'huge' }, /^defaultVideo: must be one of small, large$/],
    [
      'a generator without a graph',
      { generators: { edit: { task: 'pix2pix' } } },
      /^generators\.edit\.unet: /,
    ],
    [
      'a generator outside of the folder',
      { generators: { edit: { task: 'pix2pix', unet: '../edit' } } },
      /^generators\.edit\.unet: must lie inside/,
    ],
    [
      'the controls of an older version',
      { generators: undefined, controls: { canny: {} } },
      /^controls: is of an older version; in its place stands generators/,
    ],
    [
      'an annotator of another kind',
      { annotators: { hed: { kind: 'edges', model: 'hed' } } },
      /^annotators\.hed\.kind: /,
    ],
    [
      'an annotator by the name of one that is built in',
      { annotators: { canny: { kind: 'depth', model: 'canny' } } },
      /^annotators\.canny: is built in and needs no model/,
    ],
    [
      'an annotator outside of the folder',
      { annotators: { depth: { kind: 'depth', model: '../depth' } } },
      /^annotators\.depth\.model: must lie inside/,
    ],
    [
      'joints without a skeleton',
      { annotators: { pose: { kind: 'pose', model: 'pose' } } },
      /^annotators\.pose\.skeleton: must be "openpose", or edges, colors, radius and lineWidth/,
    ],
    [
      'edges of joints that have no colour',
      { annotators: { pose: { ...pose, skeleton: { ...pose.skeleton, edges: [[0, 2]] } } } },
      /^annotators\.pose\.skeleton\.edges: edges name joint 2; there are colors for 2 joints, 0 to 1$/,
    ],
    [
      'as many colours of edges as there are not',
      { annotators: { pose: { ...pose, skeleton: { ...pose.skeleton, edgeColors: [] } } } },
      /^annotators\.pose\.skeleton\.edgeColors: must be as many as edges, 1$/,
    ],
    [
      'a size of words',
      { defaults: { ...good.defaults, size: 'large' } },
      /^defaults\.size: must be WIDTHxHEIGHT$/,
    ],
    [
      'a size off its step',
      { defaults: { ...good.defaults, size: '128x100' } },
      /^defaults\.size: must be multiples of 32$/,
    ],
    [
      'an unknown sampler',
      { defaults: { ...good.defaults, scheduler: 'magic' } },
      /^defaults\.scheduler: /,
    ],
    [
      'a ratio above 1',
      { defaults: { ...good.defaults, mixingRatio: 1.5 } },
      /^defaults\.mixingRatio: /,
    ],
    [
      "a generator's ratio above 1",
      { generators: { edit: { task: 'pix2pix', unet: 'edit', mixingRatio: 2 } } },
      /^generators\.edit\.mixingRatio: /,
    ],
    ['a step that is no multiple of 8', { sizeMultiple: 12 }, /^sizeMultiple: /],
  ])('is refused, and the field named, for %s', (_, change, problem) => {
    const parsed = parseCard(JSON.stringify({ ...good, ...change }));
    expect(parsed).toEqual({ problems: [expect.stringMatching(problem)] });
  });

  it('names annotators, and what a score must be unless it says so', () => {
    const annotators = { pose, midas: { kind: 'depth', model: 'midas' } };
    expect(parseCard(JSON.stringify({ ...good, annotators }))).toHaveProperty('card.annotators', {
      ...annotators,
      pose: { ...pose, threshold: 0.3 },
    });
  });

  it('is refused with all its problems at once', () => {
    const parsed = parseCard(JSON.stringify({ ...good, name: 5, image: '', sizeMultiple: 0 }));
    const fields = 'problems' in parsed ? parsed.problems.map((line) => line.split(':')[0]) : [];
    expect(new Set(fields)).toEqual(new Set(['name', 'image', 'sizeMultiple']));
  });

  it('is refused if it is no JSON', () => {
    expect(parseCard('{"name": ')).toEqual({ problems: [expect.stringMatching(/^is not JSON: /)] });
    expect(parseCard('[]')).toHaveProperty('problems');
  });
});
