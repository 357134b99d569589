// Keeps the page up to date. The server sends all texts ready to show, and this script never inserts HTML.
'use strict';
(() => {
  const byId = (id) => document.getElementById(id);
  const texts = new Map();
  for (const el of document.querySelectorAll('[data-text]')) {
    const all = texts.get(el.dataset.text) || [];
    texts.set(el.dataset.text, all.concat(el));
  }
  const set = (el, text) => { if (el && el.textContent !== text) el.textContent = text; };

  // Charts are drawn anew when the colour scheme changes. They are not animated where the user prefers reduced motion.
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const still = matchMedia('(prefers-reduced-motion: reduce)');
  const drawn = new Map();
  let shown = null;

  function draw(charts) {
    if (!window.echarts) return;
    for (const chart of charts) {
      const el = byId(chart.id);
      if (!el) continue;
      el.hidden = false;
      const card = el.closest('section');
      if (card) card.hidden = false;
      let instance = drawn.get(chart.id);
      const height = chart.height + 'px';
      if (el.style.height !== height) {
        el.style.height = height;
        if (instance) instance.resize();
      }
      if (!instance) {
        instance = echarts.init(el, dark.matches ? 'dark' : null, { renderer: 'svg' });
        drawn.set(chart.id, instance);
      }
      // richText instead of HTML: a name in a tooltip stays text.
      chart.option.tooltip = Object.assign({}, chart.option.tooltip, { renderMode: 'richText', confine: true });
      instance.setOption(Object.assign({ animation: !still.matches, animationDuration: 300, animationDurationUpdate: 250 }, chart.option));
    }
  }
  function redraw() {
    for (const instance of drawn.values()) instance.dispose();
    drawn.clear();
    if (shown) draw(shown.charts);
  }
  dark.addEventListener('change', redraw);
  still.addEventListener('change', redraw);
  new ResizeObserver(() => { for (const instance of drawn.values()) instance.resize(); }).observe(byId('results'));

  // Rows move only when their order has changed. Nothing in them can have the focus.
  function arrange(order, leading) {
    const body = byId('candidates');
    if (!body) return;
    const rows = new Map([...body.rows].map((row) => [row.dataset.candidate, row]));
    const wanted = order.map((id) => rows.get(id)).filter(Boolean);
    if (wanted.some((row, i) => body.rows[i] !== row)) body.append(...wanted);
    for (const [id, row] of rows) row.classList.toggle('leads', leading.includes(id));
  }

  // The table of the line chart grows over the day. Only texts that have changed are set.
  function tabulate(rows) {
    const body = byId('times');
    if (!body || !rows) return;
    while (body.rows.length > rows.length) body.deleteRow(-1);
    rows.forEach(([from, votes], i) => {
      let row = body.rows[i];
      if (!row) {
        row = body.insertRow();
        const head = document.createElement('th');
        head.scope = 'row';
        row.append(head);
        row.insertCell().className = 'n';
      }
      set(row.cells[0], from);
      set(row.cells[1], votes);
    });
  }

  function show(update) {
    if (update.fingerprint !== document.documentElement.dataset.fingerprint) {
      setTimeout(() => location.reload(), 500); // another election has other rows
      return;
    }
    shown = update;
    for (const [key, text] of Object.entries(update.texts)) {
      for (const el of texts.get(key) || []) set(el, text);
    }
    document.title = update.texts.title || document.title;
    const progress = byId('progress');
    if (progress) progress.value = update.progress;
    const portrait = byId('portrait');
    if (portrait && portrait.getAttribute('src') !== (update.portrait || null)) {
      if (update.portrait) portrait.src = update.portrait; else portrait.removeAttribute('src');
      portrait.hidden = !update.portrait;
    }
    arrange(update.order, update.leading);
    tabulate(update.times);
    draw(update.charts);
    document.documentElement.dataset.version = update.version;
    document.dispatchEvent(new Event('election:version')); // locations.js fetches the districts, which are not in the update
  }

  // While updates are paused, the newest of them waits, and the page still shows the state of the connection.
  let paused = false;
  let waiting = null;
  const button = byId('pause');
  button.hidden = false;
  button.addEventListener('click', () => {
    paused = !paused;
    button.setAttribute('aria-pressed', String(paused));
    document.dispatchEvent(new CustomEvent('election:paused', { detail: paused }));
    if (!paused && waiting) show(waiting);
    waiting = null;
    tell();
  });

  // The status comes from the server until the connection is lost.
  const names = { connecting: 'Connecting', waiting: 'Waiting', live: 'Live', stale: 'Stale', wrong: 'Wrong', disconnected: 'Disconnected' };
  let state = 'connecting';
  let detail = '';
  let recorded = null; // when the newest vote was recorded, on this machine's steady clock, in ms
  let retryAt = 0;

  function ago(seconds) {
    if (seconds < 1) return 'under 1 s';
    if (seconds < 60) return Math.floor(seconds) + ' s';
    if (seconds < 3600) return Math.floor(seconds / 60) + ' min';
    if (seconds < 172800) return Math.floor(seconds / 3600) + ' h';
    return Math.floor(seconds / 86400) + ' days';
  }
  function tell() {
    const el = byId('state');
    el.dataset.state = paused && state !== 'disconnected' ? 'paused' : state;
    set(el, names[state] + (paused ? ', updates paused' : ''));
    let text = detail;
    if (state === 'disconnected') {
      text = 'These are the last results received. Retry in ' + Math.max(0, Math.ceil((retryAt - performance.now()) / 1000)) + ' s.';
    }
    set(byId('detail'), text);
    set(byId('age'), recorded === null ? '' : 'Newest vote recorded ' + ago((performance.now() - recorded) / 1000) + ' ago');
  }
  setInterval(tell, 1000);

  // The browser does not tell when it will reconnect, so this script reconnects itself. A stream without an event for three
  // heartbeats is taken for dead, even if the connection is open.
  let pause = 1;
  let source = null;
  let silence = 0;
  function alive() {
    clearTimeout(silence);
    silence = setTimeout(lost, 45000);
  }
  function lost() {
    clearTimeout(silence);
    source.close();
    state = 'disconnected';
    retryAt = performance.now() + pause * 1000;
    setTimeout(connect, pause * 1000);
    pause = Math.min(pause * 2, 15);
    tell();
  }
  function connect() {
    source = new EventSource('/events');
    source.onopen = () => { pause = 1; alive(); };
    source.onerror = lost;
    source.addEventListener('results', (event) => {
      alive();
      const update = JSON.parse(event.data);
      if (paused) waiting = update; else show(update);
    });
    source.addEventListener('status', (event) => {
      alive();
      const status = JSON.parse(event.data);
      state = status.state;
      detail = status.detail;
      recorded = status.age_seconds === null ? null : performance.now() - 1000 * status.age_seconds;
      tell();
    });
    alive();
  }
  addEventListener('pagehide', () => { if (source) { source.onerror = null; source.close(); } clearTimeout(silence); });
  addEventListener('pageshow', (event) => { if (event.persisted) connect(); });
  connect();
})();
