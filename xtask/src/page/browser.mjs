// The pages in a real browser: what they load and run, what works by hand, by keyboard, on paper and without a script.
// Usage: node browser.mjs FOLDER SHOTS; FOLDER has the pages, the digests of nothing else matter. Prints a line for each page.
import { createRequire } from 'node:module';
import { readdirSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(join(process.cwd(), 'node_modules', 'x'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const [folder, shots] = process.argv.slice(2, 4).map((p) => resolve(p));
// Which share of the pages this is, and of how many: one for each processor.
const [share, shares] = process.argv.slice(4, 6).map(Number);
mkdirSync(shots, { recursive: true });

const WIDE = { width: 1400, height: 900 };
const NARROW = { width: 390, height: 844 };
let failures = 0;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-sync', '--no-first-run'],
});

const sizeOf = (name) => statSync(join(folder, name)).size;
const names = readdirSync(folder).filter((n) => n.endsWith('.html')).sort((a, b) => sizeOf(b) - sizeOf(a) || (a < b ? -1 : 1));
for (const name of names.filter((_, i) => i % shares === share)) {
  const started = Date.now();
  const wrong = [];
  const expect = (good, words) => good || wrong.push(words);
  try {
    await judge(name, expect);
  } catch (error) {
    wrong.push(`${error}`.split('\n').slice(0, 3).join(' '));
  }
  failures += wrong.length;
  console.log(`page: ${wrong.length ? 'WRONG' : 'good '} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  for (const words of wrong) console.log(`  ${words}`);
}
await browser.close();
process.exit(failures ? 1 : 0);

async function judge(name, expect) {
  const url = pathToFileURL(join(folder, name)).href;
  const large = name.includes('large');
  for (const [theme, viewport] of [['light', WIDE], ['dark', NARROW], ['dark', WIDE], ['light', NARROW]]) {
    const context = await browser.newContext({ viewport, colorScheme: theme, reducedMotion: 'reduce' });
    const page = await open(context, url, expect, `${theme} ${viewport.width}`);
    const sizes = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    expect(sizes[0] <= sizes[1], `${viewport.width}: scrolls sideways, ${sizes[0]} wide`);
    await page.screenshot({ path: join(shots, `${name}-${theme}-${viewport.width}.png`), fullPage: !large });
    if (viewport === WIDE && theme === 'light') {
      await byKeyboard(page, expect);
      await works(page, expect);
      if (name.startsWith('diff')) await compares(page, expect, name);
    }
    // Large pages take axe a minute each time: there each theme and each width is looked at once.
    if (!large || (theme === 'light') === (viewport === WIDE)) await readable(page, expect, `${theme} ${viewport.width}`, large);
    await context.close();
  }
  await onPaper(url, name, expect, large);
  await withoutScript(url, expect);
}

// A page with watchers: nothing but the file itself may be asked for, nothing may complain, no dialog may open.
async function open(context, url, expect, what) {
  const page = await context.newPage();
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
  });
  page.on('console', (m) => expect(false, `${what}: console says ${m.type()}: ${m.text().slice(0, 200)}`));
  page.on('pageerror', (e) => expect(false, `${what}: error ${e.message}`));
  page.on('dialog', (d) => { expect(false, `${what}: a dialog opened: ${d.message()}`); d.dismiss(); });
  page.on('request', (r) => expect(r.url() === url, `${what}: asked for ${r.url().slice(0, 200)}`));
  page.on('popup', () => expect(false, `${what}: a window opened`));
  page.on('framenavigated', (f) => expect(f.url().split('#')[0] === url.split('#')[0], `${what}: went to ${f.url()}`));
  await page.goto(url, { waitUntil: 'load' });
  const state = await page.evaluate(() => ({
    violations: window.violations,
    ran: window.ran,
    scripts: document.scripts.length,
    styles: document.querySelectorAll('style, link, base, iframe, object, embed, img, image, form, audio, video, [style], [onclick], [onerror], [onload]').length,
    handlers: [...document.querySelectorAll('*')].filter((e) => e.getAttributeNames().some((n) => n.startsWith('on'))).length,
    foreign: [...document.querySelectorAll('[href], [src]')].map((e) => e.getAttribute('href') ?? e.getAttribute('src')).filter((h) => !h.startsWith('#')),
    bidi: /[\u202a-\u202e\u2066-\u2069\u200e\u200f\u2028\u2029\u200b\ufeff]/.test(document.documentElement.outerHTML),
  }));
  expect(state.violations.length === 0, `${what}: the policy was violated: ${state.violations}`);
  expect(state.ran === undefined, `${what}: a foreign script ran`);
  expect(state.scripts === 1 && state.styles === 1 && state.handlers === 0, `${what}: foreign elements: ${JSON.stringify(state)}`);
  expect(state.foreign.length === 0, `${what}: links that lead out: ${state.foreign.slice(0, 3)}`);
  expect(!state.bidi, `${what}: characters that act`);
  return page;
}

// Everything that can be used is reached by Tab, and shows that it has the focus.
async function byKeyboard(page, expect) {
  const seen = new Set();
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const e = document.activeElement;
      const style = getComputedStyle(e.type === 'radio' ? e.nextElementSibling : e);
      return { what: e.matches('.skip') ? 'skip' : e.localName, ring: style.outlineStyle !== 'none' || e.matches('.skip') };
    });
    if (i === 0) expect(at.what === 'skip', `keyboard: ${at.what} comes first`);
    if (at.what !== 'body') expect(at.ring, `keyboard: no ring on ${at.what}`);
    seen.add(at.what);
  }
  for (const what of ['skip', 'input', 'a']) expect(seen.has(what), `keyboard: no ${what} among ${[...seen]}`);
}

// Sorting, filters, details, commands, the switch, the keyboard.
async function works(page, expect) {
  const table = page.locator('main > section > .scroll > table.sort').first();
  if (await table.count()) {
    const header = table.locator('thead th.n').first();
    const column = await header.evaluate((h) => h.cellIndex);
    const values = () => table.evaluate((t, c) => [...t.tBodies[0].rows].map((r) => Number(r.cells[c].dataset.v)), column);
    const before = [...(await values())].sort((a, b) => a - b);
    await header.locator('button').click();
    expect((await header.getAttribute('aria-sort')) === 'descending', 'sort: first click is not down');
    expect(JSON.stringify(await values()) === JSON.stringify([...before].reverse()), 'sort: not sorted down');
    await header.locator('button').press('Enter');
    expect((await header.getAttribute('aria-sort')) === 'ascending', 'sort: not up by keyboard');
    expect(JSON.stringify(await values()) === JSON.stringify(before), 'sort: not sorted up');
  }
  const tools = page.locator('main > section > .tools:not(:has(#order)) input[type=search]').first();
  if (await tools.count()) {
    const rows = tools.locator('xpath=../../following-sibling::*[1]//tbody/tr');
    const all = await rows.count();
    const word = (await rows.last().locator('th').innerText()).trim();
    await tools.fill(word);
    const left = await rows.filter({ visible: true }).allInnerTexts();
    expect(left.length >= 1 && left.length <= all && left.every((t) => t.includes(word)), `filter: ${left.length} of ${all} rows for ${word}`);
    await tools.fill('no such row anywhere');
    expect((await rows.filter({ visible: true }).count()) === 0, 'filter: rows that do not match');
    await tools.fill('');
    expect((await rows.filter({ visible: true }).count()) === all, 'filter: rows lost');
  }
  const finding = page.locator('.finding').first();
  if (await finding.count()) {
    const summary = finding.locator('> summary');
    const evidence = finding.locator('.evidence');
    expect(!(await evidence.isVisible()), 'finding: open before it is asked for');
    await summary.click();
    expect(await evidence.isVisible(), 'finding: does not open');
    await summary.press('Enter');
    expect(!(await evidence.isVisible()), 'finding: does not close by keyboard');
    await summary.press('Enter');
    for (const part of ['.reason', 'dl', '.commands code']) {
      expect(await finding.locator(part).first().isVisible(), `finding: no ${part}`);
    }
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    const command = finding.locator('.cmd').first();
    const text = await command.locator('code').textContent();
    await command.locator('button').click();
    expect((await page.evaluate(() => navigator.clipboard.readText())) === text, 'copy: another text');
    expect(/^sekisho (packets|explain) /.test(text), `copy: ${text}`);
    const box = page.locator('input[id^=severity-]').first();
    const severity = (await box.getAttribute('id')).slice('severity-'.length);
    const shown = () => page.locator(`.finding[data-name=${severity}]`).filter({ visible: true }).count();
    const many = await shown();
    await box.uncheck();
    expect(many > 0 && (await shown()) === 0, 'findings: severity not hidden');
    await box.check();
    expect((await shown()) === many, 'findings: severity lost');
    await page.selectOption('#order', 'time');
    const times = await page.locator('.finding').evaluateAll((all) => all.map((f) => Number(f.dataset.time)));
    expect(times.every((t, i) => i === 0 || times[i - 1] <= t), 'findings: not by time');
    await page.selectOption('#order', 'severity');
    await page.evaluate(() => { location.hash = '#f-1'; });
    await page.waitForTimeout(100);
    expect(await page.locator('#f-1').evaluate((f) => f.open), 'findings: a link does not open it');
  }
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  await page.locator('#theme-dark').check({ force: true });
  expect((await paper()) !== light, 'theme: the switch does nothing');
  await page.locator('#theme-auto').check({ force: true });
  expect((await paper()) === light, 'theme: not as before');
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).scrollBehavior === 'auto'), 'motion although reduced');
}

// What only pages of comparisons have: the result on top, tiles whose bars are as long as they say, maps, devices that open.
async function compares(page, expect, name) {
  const same = /same|nothing|smtp|ctf-ftp/.test(name);
  const top = await page.evaluate(() => {
    const first = document.querySelector('main > section:first-child .headline');
    return first && { same: first.classList.contains('same'), lead: first.querySelector('.lead').textContent };
  });
  expect(top && top.lead.length > 3, 'diff: no result on top');
  expect(top && top.same === same, `diff: ${name} says ${top?.lead}`);
  const tiles = await page.evaluate(() => [...document.querySelectorAll('.tile')].map((tile) => ({
    name: tile.querySelector('.what').textContent,
    delta: tile.querySelector('.delta').textContent,
    values: [...tile.querySelectorAll('.v')].map((v) => v.textContent),
    bars: [...tile.querySelectorAll('.was, .is')].map((r) => Number(r.getAttribute('width'))),
    out: [...tile.querySelectorAll('*')].some((e) => e.getBoundingClientRect().right > tile.getBoundingClientRect().right + 1),
  })));
  expect(/nothing/.test(name) || tiles.length >= 3, `diff: ${tiles.length} tiles`);
  for (const tile of tiles) {
    expect(tile.name && tile.delta && tile.values.length === 2, `diff: a tile without words: ${JSON.stringify(tile)}`);
    expect(tile.bars.every((w) => w > 0 && w <= 100) && (tile.bars.length === 0 || Math.max(...tile.bars) === 100), `diff: bars ${tile.bars} of ${tile.name}`);
    expect(!tile.out, `diff: ${tile.name} is wider than its tile`);
  }
  const maps = await page.locator('#schedule figure').count();
  expect(/nothing/.test(name) || maps === 2, `diff: ${maps} maps of hours`);
  const link = page.locator('#devices td a, #devices th a').first();
  if (await link.count()) {
    const fold = page.locator('.fold').first();
    await fold.evaluate((f) => { f.open = false; });
    await link.click();
    await page.waitForTimeout(100);
    const target = page.locator((await link.getAttribute('href')).replace('#', '#'));
    expect(await target.evaluate((f) => f.open), 'diff: a link does not open its device');
    expect(await target.locator('.inside').isVisible(), 'diff: a device shows nothing');
  }
  const changes = await page.locator('.finding').evaluateAll((all) => all.map((f) => f.dataset.name));
  expect(changes.every((c) => ['appeared', 'disappeared', 'unchanged'].includes(c)), `diff: changes ${[...new Set(changes)]}`);
  const commands = await page.locator('.finding').evaluateAll((all) => all.map((f) => [f.dataset.name, f.querySelector('.commands').textContent]));
  for (const [change, words] of commands) {
    const [before, after] = [words.includes('before-'), words.includes('after-')];
    const good = change === 'appeared' ? !before && after : change === 'disappeared' ? before && !after : before && after;
    expect(good, `diff: commands of what ${change}: ${words.slice(0, 120)}`);
  }
}

// axe-core's rules of WCAG 2.2 A and AA and its best practices, with all findings open; of a large page the first of each kind.
async function readable(page, expect, what, large) {
  await page.locator('.finding').first().evaluateAll((all) => all.forEach((f) => { f.open = true; }));
  await page.locator('details.numbers').evaluateAll((all) => all.forEach((f) => { f.open = true; }));
  await page.locator('.fold').evaluateAll((all, few) => all.slice(0, few).forEach((f) => { f.open = true; }), large ? 2 : 1000);
  const sizes = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  expect(sizes[0] <= sizes[1], `${what}: scrolls sideways with all open, ${sizes[0]} wide`);
  await page.evaluate(`${axe}; undefined`);
  const found = await page.evaluate(async (large) => {
    const far = large ? [['.finding:nth-of-type(n+20)'], ['tbody tr:nth-of-type(n+20)'], ['.fold:nth-of-type(n+3)']] : [];
    const result = await axe.run({ include: [['html']], exclude: far }, { resultTypes: ['violations'] });
    return result.violations.map((v) => `${v.id} (${v.nodes.length}): ${v.nodes[0].html.slice(0, 120)} ${v.nodes[0].any.map((a) => a.message).join('; ').slice(0, 200)}`);
  }, large);
  for (const violation of found) expect(false, `axe ${what}: ${violation}`);
  const order = await page.evaluate(() => [...document.querySelectorAll('h1, h2, h3, h4')].map((h) => Number(h.localName[1])));
  expect(order[0] === 1 && order.every((h, i) => i === 0 || (h > 1 && h - order[i - 1] <= 1)), `headings out of order: ${order}`);
  const plots = await page.evaluate(() => [...document.querySelectorAll('svg.plot')].filter((s) => !s.getAttribute('aria-label') || !s.closest('figure').querySelector('details')).length);
  expect(plots === 0, 'a plot without words');
}

async function onPaper(url, name, expect, large) {
  const context = await browser.newContext({ colorScheme: 'dark' });
  const page = await open(context, url, expect, 'print');
  if (!large) {
    const pdf = await page.pdf({ path: join(shots, `${name}.pdf`), format: 'A4', printBackground: false });
    expect(pdf.subarray(0, 5).toString() === '%PDF-' && pdf.length > 10_000, 'print: no PDF');
  }
  await page.emulateMedia({ media: 'print' });
  const state = await page.evaluate(() => ({
    paper: getComputedStyle(document.body).backgroundColor,
    nav: document.querySelector('nav').checkVisibility(),
    plot: document.querySelector('.plot')?.checkVisibility() ?? true,
    evidence: document.querySelector('.finding .reason')?.checkVisibility({ contentVisibilityAuto: true }) ?? true,
    device: document.querySelector('.fold .tile')?.checkVisibility({ contentVisibilityAuto: true }) ?? true,
  }));
  expect(state.paper === 'rgb(255, 255, 255)' && !state.nav && state.plot && state.evidence && state.device, `print: ${JSON.stringify(state)}`);
  await context.close();
}

async function withoutScript(url, expect) {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: WIDE });
  const page = await context.newPage();
  await page.goto(url);
  expect((await page.locator('main button').count()) === 0, 'without script: buttons that do nothing');
  const finding = page.locator('.finding').first();
  if (await finding.count()) {
    await finding.locator('> summary').click();
    expect(await finding.locator('.reason').isVisible(), 'without script: findings do not open');
  }
  await context.close();
}
