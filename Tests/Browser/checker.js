// What can be checked of a page without a person: names of what can be operated, order of headings, unique ids, landmarks,
// contrast of text (WCAG 2.1: 1.4.3 AA), size of the page against the window. Answers a list of sentences.
(() => {
  const faults = [];
  const where = (element) => `${element.tagName.toLowerCase()}${element.id ? '#' + element.id : ''}` +
    `${element.getAttribute('class') ? '.' + element.getAttribute('class').trim().split(/\s+/).join('.') : ''} "${(element.textContent || '').trim().slice(0, 40)}"`;
  const isShown = (element) => {
    if (element.closest('.unseen')) return false;
    const style = getComputedStyle(element);
    return style.visibility !== 'hidden' && style.display !== 'none' && element.getClientRects().length > 0;
  };

  // 1.1.1, 4.1.2: everything that can be operated has a name.
  const name = (element) => {
    const label = element.getAttribute('aria-label');
    if (label?.trim()) return label;
    const by = element.getAttribute('aria-labelledby');
    if (by) return by.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? '').join(' ').trim();
    if (element.labels?.length) return [...element.labels].map((label) => label.textContent).join(' ').trim();
    return (element.textContent || '').trim();
  };
  for (const element of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, [role=region], [role=group], nav, svg:not([aria-hidden=true]):not(a svg)')) {
    if (!name(element)) faults.push(`no name: ${where(element)}`);
  }
  for (const attribute of ['aria-labelledby', 'for']) {
    for (const element of document.querySelectorAll(`[${attribute}]`)) {
      for (const id of element.getAttribute(attribute).split(/\s+/)) {
        if (!document.getElementById(id)) faults.push(`${attribute} of ${where(element)} names ${id}, which is not there`);
      }
    }
  }
  const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
  for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) faults.push(`id ${id} is there twice`);

  // 1.3.1, 2.4.6: one main heading, no level left out; one main; a language and a title.
  const levels = [...document.querySelectorAll('h1, h2, h3, h4')].map((heading) => Number(heading.tagName[1]));
  if (levels.filter((level) => level === 1).length !== 1) faults.push(`${levels.filter((level) => level === 1).length} headings h1`);
  levels.forEach((level, index) => { if (index && level > levels[index - 1] + 1) faults.push(`h${level} follows h${levels[index - 1]}`); });
  if (document.querySelectorAll('main').length !== 1) faults.push('not one main');
  if (!document.documentElement.lang || !document.title) faults.push('no language or no title');
  for (const cell of document.querySelectorAll('thead th')) if (!cell.scope) faults.push(`no scope: ${where(cell)}`);

  // 1.4.3: contrast of each text with what is behind it.
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const data = canvas.getImageData(0, 0, 1, 1).data;
    return [data[0], data[1], data[2], data[3] / 255];
  };
  const over = (top, under) => [0, 1, 2].map((index) => top[index] * top[3] + under[index] * (1 - top[3])).concat(1);
  const light = ([r, g, b]) => [r, g, b].map((value) => value / 255)
    .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const ground = (element) => {
    const stack = [];
    for (let at = element; at; at = at.parentElement) stack.unshift(rgba(getComputedStyle(at).backgroundColor));
    return stack.reduce((under, top) => over(top, under), matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18, 1] : [255, 255, 255, 1]);
  };
  const seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || seen.has(element) || !isShown(element)) continue;
    if (['SCRIPT', 'STYLE', 'OPTION', 'OPTGROUP'].includes(element.tagName)) continue;
    seen.add(element);
    const style = getComputedStyle(element);
    const isSVG = element instanceof SVGElement;
    const behind = ground(element);
    let under = behind;
    if (isSVG) {
      const box = element.closest('a')?.querySelector('rect') ?? (element.previousElementSibling?.tagName === 'rect' ? element.previousElementSibling : null);
      if (box) under = over(rgba(getComputedStyle(box).fill), behind);
    }
    const color = over(rgba(isSVG ? style.fill : style.color), under);
    const [high, low] = [light(color), light(under)].sort((one, other) => other - one);
    const contrast = (high + 0.05) / (low + 0.05);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || size >= 18.66 && Number(style.fontWeight) >= 700 ? 3 : 4.5;
    if (contrast < needed && !element.closest('.off')) faults.push(`contrast ${contrast.toFixed(2)} of ${needed}: ${where(element)}`);
  }

  // 1.4.10: nothing but what scrolls by itself is wider than the window.
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth + 1) {
    const wide = [...document.body.querySelectorAll('*')].filter((element) => element.getBoundingClientRect().right > innerWidth + 1 && !element.closest('.picture, .scroll, pre'));
    faults.push(`the page is ${document.documentElement.scrollWidth} wide in ${innerWidth}: ${wide.slice(0, 3).map(where).join('; ')}`);
  }
  // 2.1.1: what scrolls can be reached by keys.
  for (const box of document.querySelectorAll('.picture, pre')) if (box.tabIndex < 0) faults.push(`not reached by keys: ${where(box)}`);
  return faults;
})()
