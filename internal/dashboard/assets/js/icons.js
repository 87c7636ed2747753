/**
 * Icons: drawn for this page on a grid of 24, in the colour of the text beside them. They
 * repeat what words say, so a screen reader is not told of them.
 * @module
 */

import { h } from './dom.js';

/** @type {Record<string, string[]>} paths */
const PATHS = {
  good: ['M12 3 4.8 5.6v5.6c0 4.5 2.9 8 7.2 9.8 4.3-1.8 7.2-5.3 7.2-9.8V5.6L12 3Z', 'm8.7 11.9 2.4 2.4 4.3-4.6'],
  warn: ['M12 4.2 2.9 19.5h18.2L12 4.2Z', 'M12 10v4.4', 'M12 16.9v.2'],
  bad: ['M8.4 3.2h7.2l5.2 5.2v7.2l-5.2 5.2H8.4l-5.2-5.2V8.4l5.2-5.2Z', 'm9.2 9.2 5.6 5.6m0-5.6-5.6 5.6'],
  none: ['M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z', 'M12 11v5', 'M12 7.9v.2'],
  silent: [
    'M12 3 4.8 5.6v5.6c0 4.5 2.9 8 7.2 9.8 4.3-1.8 7.2-5.3 7.2-9.8V5.6L12 3Z',
    'M9.9 9.6a2.2 2.2 0 1 1 3 2.1c-.6.2-.9.7-.9 1.3',
    'M12 15.7v.2',
  ],
  login: ['M6 11h12v9H6z', 'M8.5 11V8a3.5 3.5 0 0 1 7 0v3', 'M12 14.6v2'],
  tick: ['m5 12.6 4.6 4.6L19.2 7'],
  cross: ['m6.5 6.5 11 11m0-11-11 11'],
  backup: ['M4 8.5h16V20H4z', 'M3 4h18v4.5H3z', 'M9.5 12.5h5'],
  integrity: ['M10.8 4a6.8 6.8 0 1 0 0 13.6 6.8 6.8 0 0 0 0-13.6Z', 'm15.7 15.7 4.8 4.8', 'm8 10.9 2 2 3.6-3.9'],
  disk: ['M3.5 13.5h17v6h-17z', 'm3.5 13.5 3-8.5h11l3 8.5', 'M7 16.5h.2M10.5 16.5h.2'],
  wal: [
    'M3 7.5c1.5 0 1.5 1.4 3 1.4s1.5-1.4 3-1.4 1.5 1.4 3 1.4 1.5-1.4 3-1.4 1.5 1.4 3 1.4 1.5-1.4 3-1.4',
    'M3 12.3c1.5 0 1.5 1.4 3 1.4s1.5-1.4 3-1.4 1.5 1.4 3 1.4 1.5-1.4 3-1.4 1.5 1.4 3 1.4 1.5-1.4 3-1.4',
    'M3 17.1c1.5 0 1.5 1.4 3 1.4s1.5-1.4 3-1.4 1.5 1.4 3 1.4 1.5-1.4 3-1.4 1.5 1.4 3 1.4 1.5-1.4 3-1.4',
  ],
  restore: ['M4 5v5h5', 'M4.6 10A8 8 0 1 1 4 14', 'M12 8.5V13l3 1.8'],
  verify: ['M4 5.5h9M4 10.5h6M4 15.5h5', 'm12 16 3.2 3.2L21 13'],
  log: ['M6 3.5h8.5L19 8v12.5H6z', 'M14 3.5V8.5h5', 'M9 12.5h7M9 16.2h5'],
  metrics: ['M4 20V4', 'M4 20h16', 'M8.5 16.5v-4M13 16.5V8M17.5 16.5v-6'],
  maintenance: [
    'M14.5 6.8a4.3 4.3 0 0 1 5.5-2.5l-2.7 2.7.3 2.3 2.3.3 2.5-2.5a4.3 4.3 0 0 1-5.8 5.1l-7.6 7.6a2.1 2.1 0 0 1-3-3l7.7-7.7a4.3 4.3 0 0 1 .8-2.3Z',
  ],
  health: ['M3 12.5h4l2.2-6 4.3 11.5 2.5-5.5H21'],
  recovery: [
    'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z',
    'M12 8.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7Z',
    'm6 6 3.5 3.5M18 6l-3.5 3.5M18 18l-3.5-3.5M6 18l3.5-3.5',
  ],
  database: [
    'M12 3.5c4.1 0 7.5 1.3 7.5 3s-3.4 3-7.5 3-7.5-1.3-7.5-3 3.4-3 7.5-3Z',
    'M4.5 6.5v11c0 1.7 3.4 3 7.5 3s7.5-1.3 7.5-3v-11',
    'M4.5 12c0 1.7 3.4 3 7.5 3s7.5-1.3 7.5-3',
  ],
  pin: ['M9 3.5h6l-.8 6 3.3 3.5v1.5h-11V13l3.3-3.5L9 3.5Z', 'M12 14.5v6'],
  download: ['M12 4v11', 'm7.5 10.7 4.5 4.5 4.5-4.5', 'M4.5 19.5h15'],
  copy: ['M9 9h11v11H9z', 'M15 9V4H4v11h5'],
  sun: [
    'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z',
    'M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4',
  ],
  moon: ['M20 14.2A8.3 8.3 0 0 1 9.8 4a8.3 8.3 0 1 0 10.2 10.2Z'],
  system: ['M3.5 5h17v11.5h-17z', 'M9 20h6M12 16.5V20'],
  right: ['m9.5 6 6 6-6 6'],
  left: ['m14.5 6-6 6 6 6'],
  more: ['M6 12h.2M12 12h.2M18 12h.2'],
  search: ['M10.8 4.5a6.3 6.3 0 1 0 0 12.6 6.3 6.3 0 0 0 0-12.6Z', 'm15.4 15.4 4.6 4.6'],
  undo: ['M8.5 5 4 9.5 8.5 14', 'M4 9.5h10.5a5.5 5.5 0 0 1 0 11H9'],
  clock: ['M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z', 'M12 7.5V12l3 2'],
};

/**
 * icon draws one.
 * @param {string} name
 * @param {string} [className]
 */
export function icon(name, className = '') {
  return h(
    'svg',
    {
      class: `icon ${className}`.trim(),
      viewBox: '0 0 24 24',
      'aria-hidden': 'true',
      focusable: 'false',
    },
    (PATHS[name] ?? PATHS.none).map((d, i) => h('path', { key: i, d })),
  );
}

/**
 * favicon gives the address of a small picture of the state, for the tab.
 * @param {string} level
 */
export function favicon(level) {
  const colour = { good: '#1a7f45', warn: '#b06f00', bad: '#c62d26' }[level] ?? '#6b7480';
  const mark =
    {
      good: 'm9.5 16.5 4.5 4.5 8.5-9.5',
      warn: 'M16 9v9M16 22.5v.5',
      bad: 'm11 11 10 10M21 11 11 21',
    }[level] ?? 'M16 10v.5M16 15v7';
  return (
    'data:image/svg+xml,' +
    encodeURIComponent(
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path d="M16 1.5 3.5 6v10c0 7.5 5.2 12 12.5 14.5C23.3 28 28.5 23.5 28.5 16V6L16 1.5Z" fill="${colour}"/>` +
        `<path d="${mark}" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/></svg>`,
    )
  );
}
