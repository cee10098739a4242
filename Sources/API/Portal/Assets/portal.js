// What the pages have beyond HTML: they follow the rack while they are open. Every action works without this file.
'use strict';

const live = document.body.dataset.live;
const toast = document.getElementById('toast');
let waiting = 0, source = null, poll = 0, hushed = 0, cost = 0;

// A part of the page is left alone while somebody is at work in it.
function isBusy(part) {
  const focused = document.activeElement;
  if (part.contains(focused) && focused.matches('input, select, textarea')) return true;
  if (part.querySelector('[aria-busy], :active')) return true;
  return [...part.querySelectorAll('input, select, textarea')].some((field) =>
    field.type === 'checkbox' || field.type === 'radio' ? field.checked !== field.defaultChecked
      : field.options ? [...field.options].some((option) => option.selected !== option.defaultSelected)
        && field.selectedIndex > 0
        : field.value !== field.defaultValue);
}

function replace(part, next) {
  if (part.innerHTML === next.innerHTML || isBusy(part)) return;
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const name = focused && (focused.id ? '#' + CSS.escape(focused.id) : focused.getAttribute('href')
    ? `[href="${CSS.escape(focused.getAttribute('href'))}"]` : null);
  const scrolled = [...part.querySelectorAll('.picture, .scroll')].map((box) => box.scrollLeft);
  part.innerHTML = next.innerHTML;
  part.querySelectorAll('.picture, .scroll').forEach((box, index) => { box.scrollLeft = scrolled[index] || 0; });
  if (name) part.querySelector(name)?.focus({ preventScroll: true });
  equip(part);
}

// The page as it is now, from where it came.
async function update() {
  waiting = 0;
  if (document.hidden) return;
  const parts = [...document.querySelectorAll('[data-part]')];
  if (!parts.length || document.body.dataset.posted) return;
  const began = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { 'X-Portal-Update': '1' }, redirect: 'manual' });
    if (answer.type === 'opaqueredirect') return location.reload();
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    for (const part of parts) {
      const next = page.getElementById(part.id);
      if (next) replace(part, next);
    }
  } catch { /* The daemon is away; the stream says when it is back. */ }
  cost = performance.now() - began;
}

// A large page is not fetched for each of many events.
function soon() { if (!waiting) waiting = setTimeout(update, Math.max(150, 4 * cost)); }

function say(text) {
  if (!toast) return;
  toast.textContent = text;
  clearTimeout(hushed);
  hushed = setTimeout(() => { toast.textContent = ''; }, 6000);
}

function follow() {
  if (!live || source || document.hidden) return;
  source = new EventSource(live);
  source.onmessage = (event) => { say(JSON.parse(event.data).text); soon(); };
  source.onopen = soon;
  const seconds = Number(document.body.dataset.poll);
  if (seconds) poll = setInterval(update, seconds * 1000);
}

function rest() {
  source?.close();
  source = null;
  clearInterval(poll);
}

// A button that copies a text: only where there is a script.
function equip(root) {
  for (const box of root.querySelectorAll('[data-copy]')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'plain low';
    button.textContent = 'Copy';
    button.onclick = async () => {
      const text = document.getElementById(box.dataset.copy).textContent;
      try { await navigator.clipboard.writeText(text); button.textContent = 'Copied'; } catch {
        getSelection().selectAllChildren(document.getElementById(box.dataset.copy));
        button.textContent = 'Selected';
      }
    };
    box.replaceChildren(button);
  }
}

// Once is enough, and it shows that something goes on.
document.addEventListener('submit', (event) => {
  const button = event.submitter;
  if (!button || event.target.method !== 'post') return;
  if (event.target.dataset.sent) return event.preventDefault();
  event.target.dataset.sent = 'yes';
  button.setAttribute('aria-busy', 'true');
  if (button.dataset.busy) button.textContent = button.dataset.busy;
});
addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
document.addEventListener('visibilitychange', () => { if (document.hidden) rest(); else follow(); });
equip(document);
follow();
