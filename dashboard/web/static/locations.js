// Keeps the rows of the districts up to date: the ones of the view that the address names. The server searches, sorts,
// cuts pages and says each text; this asks for the rows again and changes what is another, in place, so that scroll,
// focus and selection stay.
'use strict';
(() => {
  const rows = document.getElementById('locations-rows');
  if (!rows) return;
  const search = document.getElementById('locations-search');
  const size = document.getElementById('locations-size');
  const problem = document.getElementById('locations-problem');

  let view = new URLSearchParams(location.search);
  let under = null; // the request under way
  let again = false; // what it brings is not the newest
  let asked = false; // it is for rows that a person asked for, and waits for even while updates are paused
  let retry = 0;

  // One request at a time: an answer is shown before the next is asked for, so rows never go back to an older version.
  // A person who asks for other rows does not wait for it: it is given up, as is one that nobody answers for 10 s.
  async function load() {
    clearTimeout(retry);
    if (under) {
      again = true;
      return;
    }
    const mine = under = new AbortController();
    again = false;
    try {
      const signal = AbortSignal.any([mine.signal, AbortSignal.timeout(10000)]);
      const response = await fetch('/locations?' + view, { signal, cache: 'no-store' });
      if (!response.ok) throw new Error(response.statusText);
      const html = await response.text();
      if (under !== mine) return;
      // Parsed into a document of its own, in which nothing runs and nothing is fetched.
      const answer = new DOMParser().parseFromString('<div>' + html + '</div>', 'text/html').body.firstChild;
      merge(rows, answer, true);
      problem.hidden = true;
      asked = false;
    } catch {
      if (under !== mine) return;
      problem.hidden = false;
      retry = setTimeout(load, 2000);
    }
    under = null;
    if (again) load();
  }
  function abandon() {
    clearTimeout(retry);
    if (under) under.abort();
    under = null;
    again = false;
  }

  // merge makes an element like another, with as little change as it takes.
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

  // go shows another view, and keeps it in the address: a reload shows it again.
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
    const params = new URLSearchParams(new FormData(event.target)); // a header's
    params.set('q', search.value);
    go(params);
  });
  rows.addEventListener('click', (event) => {
    const link = event.target.closest('nav a');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (link.hasAttribute('href')) go(new URL(link.href).searchParams);
  });

  document.addEventListener('election:version', load); // none comes while updates are paused
  document.addEventListener('election:paused', (event) => {
    if (!event.detail) load();
    else if (!asked) abandon();
  });
})();
