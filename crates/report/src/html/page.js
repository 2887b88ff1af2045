'use strict';
// Sorts, filters and copies. Without it the page is whole; everything here is an addition. It makes elements and sets their
// text, never markup, and reads what it needs from the document.
(() => {
  const said = document.body.dataset;
  const say = (text, ...values) => text.replace(/\{(\d)\}/g, (_, i) => values[i]);
  const make = (name, props = {}, ...children) => {
    const element = Object.assign(document.createElement(name), props);
    element.append(...children);
    return element;
  };
  const words = new Intl.Collator(document.documentElement.lang, { numeric: true, sensitivity: 'base' });
  let ids = 0;

  // A row's text, in lower case, made when it is first asked for.
  const texts = new WeakMap();
  const textOf = (element) => {
    if (!texts.has(element)) texts.set(element, element.textContent.toLowerCase());
    return texts.get(element);
  };
  const matches = (element, terms) => terms.every((term) => textOf(element).includes(term));
  const termsOf = (input) => input.value.toLowerCase().split(/\s+/).filter(Boolean);

  const searchField = (label) => {
    const input = make('input', { type: 'search', id: `filter-${++ids}`, autocomplete: 'off', spellcheck: false });
    return [make('label', { htmlFor: input.id }, label, input), input];
  };

  // Tables: a button in each header, a filter above.
  const sortTable = (table, column) => {
    const header = table.tHead.rows[0].cells[column];
    const rows = [...table.tBodies[0].rows];
    const numeric = header.classList.contains('n') || rows.some((row) => row.cells[column].dataset.v !== undefined);
    const before = header.getAttribute('aria-sort');
    const down = before ? before === 'ascending' : numeric;
    for (const cell of table.tHead.rows[0].cells) cell.removeAttribute('aria-sort');
    header.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const value = (row) => {
      const cell = row.cells[column];
      return numeric ? Number(cell.dataset.v ?? cell.textContent.replace(/[^\d.-]/g, '')) : cell.textContent;
    };
    const keyed = rows.map((row) => [value(row), row]);
    keyed.sort(([a], [b]) => (numeric ? a - b : words.compare(a, b)) * (down ? -1 : 1));
    table.tBodies[0].append(...keyed.map(([, row]) => row));
  };

  for (const table of document.querySelectorAll('table.sort')) {
    const rows = [...table.tBodies[0].rows];
    [...table.tHead.rows[0].cells].forEach((cell, column) => {
      const button = make('button', { type: 'button', textContent: cell.textContent });
      button.addEventListener('click', () => sortTable(table, column));
      cell.replaceChildren(button);
    });
    if (rows.length < 9) continue;
    const [label, input] = searchField(said.filter);
    const count = make('output', { htmlFor: input.id });
    input.addEventListener('input', () => {
      const terms = termsOf(input);
      let shown = 0;
      for (const row of rows) {
        row.hidden = !matches(row, terms);
        shown += !row.hidden;
      }
      count.textContent = terms.length ? say(said.shown, shown, rows.length) : '';
    });
    table.parentElement.before(make('div', { className: 'tools' }, label, count));
    label.firstChild.after(make('span', { className: 'vh', textContent: ` ${table.caption.textContent}` }));
  }

  // Findings: by severity and text, in another order, all open or closed.
  const list = document.querySelector('.findings');
  if (list) {
    const all = [...list.children];
    const [label, input] = searchField(said.filter);
    const count = make('output', { htmlFor: input.id });
    const hidden = new Set();
    const update = () => {
      const terms = termsOf(input);
      let shown = 0;
      for (const finding of all) {
        finding.hidden = hidden.has(finding.dataset.name) || !matches(finding, terms);
        shown += !finding.hidden;
      }
      count.textContent = say(said.shown, shown, all.length);
    };
    input.addEventListener('input', update);
    const tools = make('div', { className: 'tools' }, label);
    const names = new Map(all.map((f) => [f.dataset.name, f.querySelector('.sev').textContent]));
    for (const [name, word] of names) {
      const box = make('input', { type: 'checkbox', checked: true, id: `severity-${name}` });
      box.addEventListener('change', () => {
        if (box.checked) hidden.delete(name);
        else hidden.add(name);
        update();
      });
      tools.append(make('label', { htmlFor: box.id }, box, word));
    }
    const order = make('select', { id: 'order' });
    for (const key of ['severity', 'time', 'host']) order.append(make('option', { value: key, textContent: list.dataset[key] }));
    order.addEventListener('change', () => {
      const key = order.value;
      const value = (f) => f.dataset[key];
      const sorted = all.map((f, i) => [f, i]).sort(([a, i], [b, j]) =>
        (key === 'host' ? words.compare(value(a), value(b)) : value(a) - value(b)) || i - j);
      list.append(...sorted.map(([f]) => f));
    });
    tools.append(make('label', { htmlFor: order.id }, said.sort, order));
    const toggle = make('button', { type: 'button', textContent: said.open });
    toggle.addEventListener('click', () => {
      const open = toggle.textContent === said.open;
      for (const finding of all) if (!finding.hidden) finding.open = open;
      toggle.textContent = open ? said.close : said.open;
    });
    tools.append(toggle, count);
    list.before(tools);
  }

  // A link to a finding or a device opens it.
  const follow = () => {
    const target = /^#[df]-\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
    if (target) {
      target.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener('hashchange', follow);
  follow();

  // Commands: to the clipboard, or selected where there is none.
  const status = make('div', { className: 'vh', role: 'status' });
  document.body.append(status);
  for (const command of document.querySelectorAll('.cmd')) {
    const code = command.querySelector('code');
    const button = make('button', { type: 'button', textContent: said.copy });
    button.append(make('span', { className: 'vh', textContent: ` ${command.querySelector('.label').textContent}` }));
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
      } catch {
        getSelection().selectAllChildren(code);
        if (!document.execCommand('copy')) return;
      }
      button.firstChild.data = said.copied;
      status.textContent = said.copied;
      setTimeout(() => {
        button.firstChild.data = said.copy;
        status.textContent = '';
      }, 2000);
    });
    command.append(button);
  }

  // On paper everything is open.
  let closed = [];
  addEventListener('beforeprint', () => {
    closed = [...document.querySelectorAll('.finding:not([open]), .fold:not([open])')];
    for (const finding of closed) finding.open = true;
  });
  addEventListener('afterprint', () => {
    for (const finding of closed) finding.open = false;
  });
})();
