/**
 * <officer-card>: what Officer says about a database, for the pages of the app itself.
 *
 *   <script src="/officer/officer-card.js"></script>
 *   <officer-card src="/officer" database="app"></officer-card>
 *   <officer-card variant="banner" src="/officer" database="app"></officer-card>
 *
 * Attributes: variant "card" or "banner" (shows itself only when something is wrong), src
 * (where Officer answers; without it, where this file came from), database, token (sent as
 * a bearer token, for another origin), open (address of "Open Officer"), lang.
 * Words: an attribute text-{name} or a key of the property strings; the names are those of
 * WORDS, and the code of a condition for its sentence. {…} in them is filled in.
 * Slots: title, extra. Parts: box, light, word, headline, proof, result, actions, button, link.
 * Custom properties: --officer-font, -surface, -text, -muted, -border, -accent, -accent-text, -radius, -good, -warn, -bad, -silent.
 * Events: officer-health (detail: health, headline, conditions) when that changes;
 * officer-open (cancelable) before the link is followed.
 */
(() => {
  'use strict';

  // A module has no current script.
  const HERE = (document.currentScript ?? document.querySelector('script[src$="officer-card.js"]'))?.src ?? document.baseURI;
  const POLL_MS = 60000;
  const CALL_MS = 10000;
  const SETTLE_MS = 150;
  const RETRY_MS = [1000, 2000, 4000, 8000, 15000];
  // prettier-ignore
  const UNITS = [['day', 86400000, 2], ['hour', 3600000, 2], ['minute', 60000, 2], ['second', 1000, 0]];

  // prettier-ignore
  const WORDS = {
    good: 'Safe', warn: 'Attention', bad: 'Act now', silent: 'No answer', unproved: 'Not proved yet', asking: 'Asking',
    safe: 'Your data is safe.', waiting: 'Nothing is known to be wrong, but no verified backup proves it yet.',
    gone: 'Officer does not answer: backups are not being taken.', refused: 'Officer does not let this page look.',
    unknown: 'Officer cannot say: {text}', none: 'There is no verified backup yet.',
    proof: 'Newest backup that was opened, checked and compared: {age} old.', drill: 'Restored in a drill in {time}.',
    'back-up': 'Back up now', check: 'Check now', open: 'Open Officer', working: '{percent} done', begun: 'Working …',
    'backup-done': 'Backup made and verified.', 'backup-same': 'Nothing changed since the last backup.',
    'check-ok': 'No damage found.', 'check-damaged': 'Damage found.', failed: 'It did not work: {text}',
  };

  const ICONS = {
    good: 'M12 3 4.8 5.6v5.6c0 4.5 2.9 8 7.2 9.8 4.3-1.8 7.2-5.3 7.2-9.8V5.6L12 3Zm-3.3 8.9 2.4 2.4 4.3-4.6',
    warn: 'M12 4.2 2.9 19.5h18.2L12 4.2ZM12 10v4.4M12 16.9v.2',
    bad: 'M8.4 3.2h7.2l5.2 5.2v7.2l-5.2 5.2H8.4l-5.2-5.2V8.4l5.2-5.2Zm.8 6 5.6 5.6m0-5.6-5.6 5.6',
    silent:
      'M12 3 4.8 5.6v5.6c0 4.5 2.9 8 7.2 9.8 4.3-1.8 7.2-5.3 7.2-9.8V5.6L12 3Zm-2.1 6.6a2.2 2.2 0 1 1 3 2.1c-.6.2-.9.7-.9 1.3M12 15.7v.2',
  };

  const STYLE = `
    :host { display: block; --tone: var(--officer-silent, light-dark(#4b5563, #a3adba)); font: 15px/1.45 var(--officer-font, system-ui, sans-serif); color: var(--officer-text, light-dark(#12161d, #e9edf2)); }
    :host([hidden]), :host([data-quiet]) { display: none; }
    :host([data-level="good"]) { --tone: var(--officer-good, light-dark(#13693a, #5ccb8b)); }
    :host([data-level="warn"]) { --tone: var(--officer-warn, light-dark(#7c4f00, #edb84b)); }
    :host([data-level="bad"]) { --tone: var(--officer-bad, light-dark(#a6211b, #ff9088)); }
    .box { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 12px 16px; padding: 18px 20px; box-sizing: border-box; overflow-wrap: anywhere;
      border: 1px solid var(--officer-border, light-dark(#dfe3e9, #2a313c)); border-radius: var(--officer-radius, 12px); background: var(--officer-surface, light-dark(#fff, #15191f)); }
    .box.banner { align-items: center; padding: 10px 16px; border-color: color-mix(in srgb, var(--tone) 45%, transparent); border-left: 4px solid var(--tone); }
    .light { flex: none; width: 42px; height: 42px; color: var(--tone); fill: color-mix(in srgb, var(--tone) 14%, transparent); stroke: currentcolor; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; }
    .banner .light { width: 26px; height: 26px; }
    .words { flex: 1; min-width: min(230px, 100%); }
    p { margin: 0; }
    .word { color: var(--tone); font-size: 13px; font-weight: 650; }
    .headline { font-size: 16.5px; font-weight: 620; line-height: 1.3; }
    .banner .headline { font-size: 15px; }
    .proof, .result { margin-top: 3px; font-size: 13.5px; color: var(--officer-muted, light-dark(#566070, #98a3b1)); }
    .result:empty, .proof:empty { display: none; }
    .actions { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 10px; margin-left: auto; }
    .card .actions { flex-basis: 100%; margin: 2px 0 0 58px; }
    button { min-height: 34px; padding: 0 13px; border: 1px solid var(--officer-border, light-dark(#c5ccd6, #3b4452)); border-radius: 8px; background: transparent; color: inherit; font: 550 14px/1 inherit; font-family: inherit; cursor: pointer; }
    button:first-of-type { background: var(--officer-accent, light-dark(#2353bd, #7ba8ff)); color: var(--officer-accent-text, light-dark(#fff, #0a1222)); border-color: transparent; }
    button[aria-disabled="true"], button[aria-disabled="true"]:first-of-type { background: light-dark(#eef0f4, #1f252e); color: var(--officer-muted, light-dark(#566070, #98a3b1)); cursor: default; border-color: transparent; }
    a { display: inline-flex; align-items: center; min-height: 34px; color: var(--officer-accent, light-dark(#2353bd, #7ba8ff)); font-size: 14px; }
    /* A backup of a damaged database is no remedy: there the way to Officer stands out. */
    :host([data-level="bad"]) a { padding: 0 13px; border-radius: 8px; background: var(--officer-accent, light-dark(#2353bd, #7ba8ff)); color: var(--officer-accent-text, light-dark(#fff, #0a1222)); font-weight: 550; text-decoration: none; }
    :host([data-level="bad"]) button:first-of-type:not([aria-disabled="true"]) { background: transparent; color: inherit; border-color: var(--officer-border, light-dark(#c5ccd6, #3b4452)); }
    :focus-visible { outline: 2px solid var(--officer-accent, light-dark(#2353bd, #7ba8ff)); outline-offset: 2px; border-radius: 6px; }
    @media (max-width: 480px) { .card .actions { margin-left: 0; } }
    @media (forced-colors: active) { .box { border: 1px solid CanvasText; } }
  `;

  /**
   * Feed is what is known of one database. All cards of a page share it: a browser has six
   * connections for a server, and each stream of events takes one.
   */
  class Feed {
    /** @type {Map<string, Feed>} */
    static all = new Map();

    static of(base, database, token) {
      const key = JSON.stringify([base, database, token]);
      const feed = Feed.all.get(key) ?? new Feed(key, base, database, token);
      Feed.all.set(key, feed);
      return feed;
    }

    constructor(key, base, database, token) {
      Object.assign(this, { key, base, database, token });
      /** @type {Set<OfficerCard>} */
      this.cards = new Set();
      this.status = null; // the newest answer
      this.trouble = 'asking'; // why there is none: "asking", "gone", "refused", "unknown"; '' = it stands
      this.why = '';
      this.tries = 0;
      this.timers = { look: 0, poll: 0, retry: 0 };
      this.leaving = new AbortController();
      this.seen = () => (document.hidden ? undefined : this.look());
    }

    join(card) {
      this.cards.add(card);
      if (this.cards.size > 1) return;
      this.timers.poll = window.setInterval(this.seen, POLL_MS);
      document.addEventListener('visibilitychange', this.seen);
      void this.look();
      void this.listen();
    }

    leave(card) {
      this.cards.delete(card);
      if (this.cards.size > 0) return;
      Feed.all.delete(this.key);
      this.leaving.abort();
      document.removeEventListener('visibilitychange', this.seen);
      window.clearInterval(this.timers.poll);
      window.clearTimeout(this.timers.look);
      window.clearTimeout(this.timers.retry);
    }

    url(path) {
      return new URL(path, this.base).href;
    }

    headers(more) {
      return this.token ? { ...more, Authorization: `Bearer ${this.token}` } : more;
    }

    async call(method, request) {
      const response = await fetch(this.url(`officer.v1.ControlService/${method}`), {
        method: 'POST',
        headers: this.headers({ 'Content-Type': 'application/json' }),
        cache: 'no-store',
        credentials: 'same-origin',
        body: JSON.stringify(request),
        signal: AbortSignal.any([this.leaving.signal, AbortSignal.timeout(CALL_MS)]),
      });
      const body = await response.json().catch(() => undefined);
      if (response.ok && body) return body;
      const failure = (body?.details ?? []).find((d) => d.type === 'officer.v1.Failure')?.debug;
      const trouble = [401, 403].includes(response.status) ? 'refused' : body?.code ? 'unknown' : 'gone';
      throw Object.assign(new Error(failure?.text ?? body?.message ?? `HTTP ${response.status}`), { trouble });
    }

    /** Asks for everything once. */
    async look() {
      window.clearTimeout(this.timers.look);
      this.timers.look = 0;
      try {
        this.status = await this.call('GetStatus', { database: this.database });
        this.trouble = '';
      } catch (error) {
        if (this.leaving.signal.aborted) return;
        this.trouble = error.trouble ?? 'gone';
        this.why = error.message;
      }
      for (const card of this.cards) card.draw();
    }

    soon() {
      if (!this.timers.look) this.timers.look = window.setTimeout(() => this.look(), SETTLE_MS);
    }

    /** Reads the stream of events; an EventSource could not send a token. */
    async listen() {
      const { signal } = this.leaving;
      try {
        const response = await fetch(this.url(`v1/events?database=${encodeURIComponent(this.database)}`), {
          headers: this.headers({ Accept: 'text/event-stream' }),
          cache: 'no-store',
          credentials: 'same-origin',
          signal,
        });
        if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}`);
        this.tries = 0;
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let rest = ''; ;) {
          const { value, done } = await reader.read();
          if (done) break;
          const lines = (rest + value).split(/\r?\n/);
          rest = lines.pop() ?? '';
          if (lines.some((line) => line.startsWith('data:'))) this.soon();
        }
      } catch {
        /* nobody there, or gone: the look below says so */
      }
      if (signal.aborted) return;
      void this.look();
      this.timers.retry = window.setTimeout(() => this.listen(), RETRY_MS[Math.min(this.tries++, RETRY_MS.length - 1)]);
    }
  }

  class OfficerCard extends HTMLElement {
    static observedAttributes = ['variant', 'src', 'database', 'token', 'lang', 'open'];

    constructor() {
      super();
      /** Words of another language. @type {Record<string, string>} */
      this.strings ??= {}; // it may have been set before this file came
      this.told = '';
      this.busy = '';
      this.result = '';
      const root = this.attachShadow({ mode: 'open' });
      // A sheet made by script stands under a policy that forbids inline styles.
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
    }

    connectedCallback() {
      this.build();
      this.join();
    }

    disconnectedCallback() {
      this.feed?.leave(this);
      this.feed = undefined;
    }

    attributeChangedCallback(name, before, after) {
      if (!this.isConnected || before === after || !this.feed) return;
      if (name === 'src' || name === 'database' || name === 'token') this.join();
      else this.draw();
    }

    join() {
      this.feed?.leave(this);
      const src = this.getAttribute('src');
      const base = src === null ? new URL('.', HERE) : new URL(src.endsWith('/') ? src : `${src}/`, document.baseURI);
      this.feed = Feed.of(base.href, this.getAttribute('database') ?? '', this.getAttribute('token') ?? '');
      this.feed.join(this);
      this.draw();
    }

    build() {
      if (this.parts) return;
      const make = (tag, part, ...children) => {
        const element = document.createElement(tag);
        element.className = part;
        element.part.add(part);
        element.append(...children);
        return element;
      };
      const slot = (name) => Object.assign(document.createElement('slot'), { name });
      const [svg, path] = ['svg', 'path'].map((tag) => document.createElementNS('http://www.w3.org/2000/svg', tag));
      for (const [name, value] of Object.entries({ viewBox: '0 0 24 24', class: 'light', part: 'light', 'aria-hidden': 'true' }))
        svg.setAttribute(name, value);
      svg.append(path);
      const word = make('p', 'word');
      const headline = make('p', 'headline');
      const proof = make('p', 'proof');
      const result = make('p', 'result');
      const [backUp, check] = [0, 0].map(() => Object.assign(make('button', 'button'), { type: 'button' }));
      const link = make('a', 'link');
      backUp.addEventListener('click', () => this.order('BackUp', 'backup'));
      check.addEventListener('click', () => this.order('Check', 'check'));
      link.addEventListener('click', (event) => {
        const open = new CustomEvent('officer-open', { bubbles: true, composed: true, cancelable: true });
        if (!this.dispatchEvent(open)) event.preventDefault();
      });
      // The age in the proof grows: said again each minute it would only disturb.
      const state = make('div', 'state', word, headline);
      for (const live of [state, result]) live.setAttribute('role', 'status');
      const words = make('div', 'words', slot('title'), state, proof, result);
      const box = make('div', 'box', svg, words, make('div', 'actions', backUp, check, link, slot('extra')));
      this.parts = { box, path, word, headline, proof, result, backUp, check, link };
      this.shadowRoot.append(box);
    }

    /** The words for a name, with what they name filled in. */
    say(name, values = {}) {
      const words = this.strings[name] ?? this.getAttribute(`text-${name}`) ?? WORDS[name] ?? name;
      return words.replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all);
    }

    /** Light, word and sentence, as the page has them. */
    judge() {
      if (this.feed.trouble) {
        const asking = this.feed.trouble === 'asking';
        const headline = asking ? '' : this.say(this.feed.trouble, { text: this.feed.why });
        return { level: 'silent', quiet: asking, word: this.say(asking ? 'asking' : 'silent'), headline };
      }
      const health = this.feed.status.health ?? {};
      const level = { SEVERITY_RED: 'bad', SEVERITY_YELLOW: 'warn' }[health.health] ?? 'good';
      if (level === 'good') {
        if (!this.feed.status.lastVerifiedBackup)
          return { level: 'silent', quiet: true, word: this.say('unproved'), headline: this.say('waiting') };
        return { level, word: this.say('good'), headline: this.say('safe') };
      }
      const order = { SEVERITY_RED: 0, SEVERITY_YELLOW: 1 };
      const worst = [...(health.conditions ?? [])].sort((a, b) => (order[a.severity] ?? 2) - (order[b.severity] ?? 2))[0];
      const own = worst && (this.strings[worst.code] ?? this.getAttribute(`text-${worst.code}`));
      return { level, word: this.say(level), headline: own ?? (health.headline || this.say(level)) };
    }

    draw() {
      if (!this.feed) return;
      const { box, path, word, headline, proof, result, backUp, check, link } = this.parts;
      const light = this.judge();
      const banner = this.getAttribute('variant') === 'banner';
      this.dataset.level = light.level;
      // Until the first answer, and while a new Officer makes its first backup, a banner would only flash.
      this.toggleAttribute('data-quiet', banner && (light.quiet ?? light.level === 'good'));
      box.className = `box ${banner ? 'banner' : 'card'}`;
      path.setAttribute('d', ICONS[light.level]);
      write(word, light.word);
      write(headline, light.headline);
      write(proof, banner ? '' : this.proof());
      write(result, this.result);
      write(backUp, this.say('back-up'));
      write(check, this.say('check'));
      write(link, this.say('open'));
      link.href = this.getAttribute('open') ?? this.feed.url('');
      const off = this.busy !== '' || this.feed.trouble !== '';
      for (const button of [backUp, check]) button.setAttribute('aria-disabled', String(off));
      this.tell(light);
    }

    proof() {
      const newest = this.feed.status?.lastVerifiedBackup;
      if (this.feed.trouble || !this.feed.status) return '';
      if (!newest) return this.say('none');
      const drill = this.feed.status.lastDrill;
      const words = this.say('proof', { age: this.age(Date.now() - Number(newest.takenAtUnixMs)) });
      if (!drill?.ok) return words;
      const ms = Number(drill.restoreMs ?? 0);
      const time = ms < 1000 ? this.unit(ms, 'millisecond', 0) : this.unit(ms / 1000, 'second', 1);
      return `${words} ${this.say('drill', { time })}`;
    }

    age(ms) {
      const [unit, length] = UNITS.find(([, size, least]) => ms >= size * least) ?? UNITS[3];
      return this.unit(Math.max(0, Math.floor(ms / length)), unit, 0);
    }

    unit(n, unit, maximumFractionDigits) {
      const language = this.closest('[lang]')?.getAttribute('lang') || 'en';
      return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits }).format(n);
    }

    tell(light) {
      if (this.feed.trouble === 'asking') return;
      const health = { good: 'green', warn: 'yellow', bad: 'red', silent: 'grey' }[light.level];
      const conditions = this.feed.trouble ? [] : (this.feed.status.health?.conditions ?? []);
      const now = JSON.stringify([health, light.headline, conditions.map((c) => c.code)]);
      if (now === this.told) return;
      this.told = now;
      const detail = { health, headline: light.headline, conditions };
      this.dispatchEvent(new CustomEvent('officer-health', { bubbles: true, composed: true, detail }));
    }

    /** Orders long work and shows how far it is. */
    async order(method, kind) {
      const { feed } = this;
      if (this.busy || feed.trouble) return;
      this.busy = kind;
      this.result = this.say('begun');
      this.draw();
      try {
        const key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
        let operation = await feed.call(method, { database: feed.database, idempotencyKey: key });
        while (operation.state === 'running') {
          operation = await feed.call('GetOperation', { id: operation.id, waitMs: '500' });
          const { done = 0, total = 0 } = operation.progress ?? {};
          const percent = `${Math.round((Number(done) / Number(total)) * 100)} %`;
          if (Number(total) > 0) this.result = this.say('working', { percent });
          this.draw();
        }
        this.result = this.outcome(operation);
      } catch (error) {
        this.result = this.say('failed', { text: error.message });
      }
      this.busy = '';
      this.draw();
      void feed.look();
    }

    outcome(operation) {
      if (operation.failure) return this.say('failed', { text: operation.failure.text });
      if (operation.backup) return this.say(operation.backup.skipped ? 'backup-same' : 'backup-done');
      return this.say(operation.check?.verdict === 'damaged' ? 'check-damaged' : 'check-ok');
    }
  }

  /** A text that stays is not written again: a screen reader would say it again. */
  function write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  if (!customElements.get('officer-card')) customElements.define('officer-card', OfficerCard);
})();
