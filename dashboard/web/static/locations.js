// Keeps the rows of the districts up to date, for the view in the page's address. The server searches, sorts and divides the
// rows into pages. This script asks for the rows again and changes only what differs, so that scroll position, focus and
// selection stay.
'use strict';
(() => {
  const rows = document.getElementById('locations-rows');
  if (!rows) return;
  const search = document.getElementById('locations-search');
  const size = document.getElementById('locations-size');
  const problem = document.getElementById('locations-problem');

  let view = new URLSearchParams(location.search);
  let request = null; // the request that has no answer yet
  let again = false; // a newer version has come since the request
  let asked = false; // a person asked for these rows, and waits for them even while updates are paused
  let retry = 0;

  // There is one request at a time. Its answer is shown before the next request, so rows never go back to an older version.
  // A request is abandoned when a person asks for other rows, or when no answer comes for 10 s.
  async function load() {
    clearTimeout(retry);
    if (request) {
      again = true;
      return;
    }
    const mine = request = new AbortController();
    again = false;
    try {
      const signal = AbortSignal.any([mine.signal, AbortSignal.timeout(10000)]);
      const response = await fetch('/locations?' + view, { signal, cache: 'no-store' });
      if (!response.ok) throw new Error(response.statusText);
      const html = await response.text();
      if (request !== mine) return;
      // A parsed document of its own runs no script and fetches nothing.
      const answer = new DOMParser().parseFromString('<div>' + html + '</div>', 'text/html').body.firstChild;
      merge(rows, answer, true);
      problem.hidden = true;
      asked = false;
    } catch {
      if (request !== mine) return;
      problem.hidden = false;
      retry = setTimeout(load, 2000);
    }
    request = null;
    if (again) load();
  }
  function abandon() {
    clearTimeout(retry);
    if (request) request.abort();
    request = null;
    again = false;
  }

  // merge makes an element equal to another, and changes only what differs.
  function merge(old, wanted, childrenOnly) {
    if (!childrenOnly) {
      for (const { name } of [...old.attributes]) if (!wanted.hasAttribute(name)) old.removeAttribute(name);
      for (const { name, value } of wanted.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    const children = [...wanted.childNodes];
    while (old.childNodes.length > children.length) old.lastChild.remove();
    children.forEach((child, i) => {
      const at = old.childNodes[i];
      if (!at) old.append(document.importNode(child, true));
      else if (at.nodeName !== child.nodeName) at.replaceWith(document.importNode(child, true));
      else if (at.nodeType === Node.ELEMENT_NODE) merge(at, child, false);
      else if (at.data !== child.data) at.data = child.data;
    });
  }

  // go shows another view, and puts it into the address, so that a reload shows it again.
  function go(params) {
    view = new URLSearchParams([...params].filter(([, value]) => value !== ''));
    history.replaceState(null, '', (view.size ? '?' + view : location.pathname) + location.hash);
    abandon();
    asked = true;
    load();
  }
  function refine() {
    const params = new URLSearchParams(view);
    params.set('q', search.value);
    params.set('size', size.value);
    params.delete('page');
    go(params);
  }
  let typing = 0;
  search.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(refine, 150);
  });
  size.addEventListener('change', refine);
  document.getElementById('locations').addEventListener('submit', (event) => {
    event.preventDefault();
    clearTimeout(typing);
    if (event.target.id === 'locations-form') {
      refine();
      return;
    }
    const params = new URLSearchParams(new FormData(event.target)); // the form of a header
    params.set('q', search.value);
    go(params);
  });
  rows.addEventListener('click', (event) => {
    const link = event.target.closest('nav a');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (link.hasAttribute('href')) go(new URL(link.href).searchParams);
  });

  document.addEventListener('election:version', load); // not sent while updates are paused
  document.addEventListener('election:paused', (event) => {
    if (!event.detail) load();
    else if (!asked) abandon();
  });
})();
