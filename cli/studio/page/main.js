// SPDX-License-Identifier: Apache-2.0
// main.js - the page: what is open, what the server says, what buttons and keys do

import {ServerError, change, clientName, get, listen, post, unsent} from './api.js';
import {plot} from './chart.js';
import {ClassList} from './classes.js';
import {Contrast} from './contrast.js';
import {ImageList} from './images.js';
import {Tools} from './tools.js';
import {View} from './view.js';

const $ = id => document.getElementById(id);
const state = {images: new Map(), order: [], image: null, revision: 0, settings: {}, on: true, next: null};

const view = new View($('canvas'));
const tools = new Tools(view, {made: stroke, hover, resized: showRadius});
const images = new ImageList($('thumbs'), $('search'), id => open(id));
const classes = new ClassList($('classes'), $('add-class'), {
    chosen: (number, {color}) => tools.setClass(number, color),
    changed: list => attempt(post('/api/classes', {classes: list}).then(showClasses), loadProject),
});
const contrast = new Contrast(query => {
    view.contrast = query;
    view.layers.image?.change(null);
    view.draw();
});

// ---- words for the person ----

let alertTimer = 0;

function say(words, {stay = false} = {}) {
    $('alert').textContent = words;
    $('alert').hidden = false;
    clearTimeout(alertTimer);
    if (!stay)
        alertTimer = setTimeout(() => $('alert').hidden = true, 8000);
}

function announce(words) {
    $('live').textContent = words;
}

/** What was refused is said, and `otherwise` puts right what the page shows. */
function attempt(promise, otherwise) {
    return promise.catch(error => {
        say(error instanceof ServerError ? error.message : 'The server does not answer.');
        otherwise?.();
    });
}

const capital = words => words[0].toUpperCase() + words.slice(1);
const duration = seconds => seconds < 90 ? `${Math.round(seconds)} s`
    : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;

// ---- the project ----

async function loadProject() {
    const project = await get('/api/project');
    const first = !state.order.length;
    state.revision = project.revision;
    state.settings = project.settings ?? {};
    state.images = new Map(project.images.map(image => [image.id, image]));
    state.order = project.images.map(image => image.id);
    document.title = `${project.name} \u2013 unet studio`;
    $('project').textContent = project.name;
    $('project').title = project.folder;
    images.fill(project.images);
    classes.fill(project.classes);
    showTraining(project.training);
    const {now, frame} = {now: state.image?.id, frame: state.settings.image};
    const wanted = [now, first ? frame : undefined, state.order.find(id => !state.images.get(id).missing)]
        .find(id => id !== undefined && state.images.has(id) && !state.images.get(id).missing);
    $('empty').hidden = wanted !== undefined;
    if (wanted === undefined)
        $('empty').textContent = state.order.length ? 'The files of these images are gone.' : 'There is no image.';
    else if (wanted !== now)
        open(wanted);
    else
        refresh();
}

function refresh() {
    state.image = state.images.get(state.image.id);
    view.image = state.image;
    images.current(state.image.id);
    for (const name of ['labels', 'prediction', 'certainty'])
        view.layers[name].change(null);
    showUndo();
    view.draw();
}

function open(id) {
    const image = state.images.get(id);
    if (!image || image.missing)
        return;
    tools.cancel();
    state.image = image;
    view.contrast = '';
    view.open(image);
    images.current(id);
    showUndo();
    hover(null);
    announce(`${image.name}, ${image.width} by ${image.height} pixels`);
    contrast.open(image).then(() => {
        if (contrast.query() !== view.contrast)
            contrast.changed(contrast.query());
    }).catch(() => {});
    looked();
    settle({image: id});
}

function step(by) {
    const at = state.order.indexOf(state.image?.id);
    for (let i = at + by; i >= 0 && i < state.order.length; i += by)
        if (!state.images.get(state.order[i]).missing)
            return open(state.order[i]);
    return undefined;
}

async function openNext() {
    const {id, why} = await get(`/api/next${state.image ? `?after=${state.image.id}` : ''}`);
    if (id === null || id === undefined) {
        say(why || 'There is no other image.');
        return;
    }
    open(id);
    if (why)
        say(`${state.image.name}: ${why}`);
}

/** Keeps what the page wants to know when it is opened again. */
let settleTimer = 0;
function settle(what) {
    Object.assign(state.settings, what);
    clearTimeout(settleTimer);
    settleTimer = setTimeout(() => post('/api/settings', state.settings).catch(() => {}), 1500);
}

/** Tells the server what is on the screen, some times a second. */
let lookTimer = 0, lookedAt = '';
function looked() {
    lookTimer ||= setTimeout(() => {
        lookTimer = 0;
        const rect = view.seen();
        const what = rect && JSON.stringify({image: state.image.id, rect});
        if (what && what !== lookedAt) {
            lookedAt = what;
            post('/api/view', JSON.parse(what)).catch(() => lookedAt = '');
        }
    }, 250);
}

// ---- strokes ----

function stroke(made) {
    const {image} = state;
    const points = made.points.map(v => Math.round(16 * v) / 16);
    if (made.tool === 'region' || made.tool === 'object')
        return take(made.tool, points);
    const local = {tool: made.tool, color: made.color, radius: made.radius, points, rect: null};
    if (made.tool !== 'fill')
        view.strokes.push(local);
    const body = {tool: made.tool, points};
    if (made.tool !== 'erase')
        body.class = made.class;
    if (made.tool === 'brush' || made.tool === 'erase')
        body.radius = made.radius;
    return send(image, 'strokes', body, local);
}

function take(what, points = []) {
    if (!state.image.predicted)
        return say('There is no prediction yet: paint some strokes of each class first.');
    return send(state.image, 'strokes', {tool: 'accept', what, points, over: $('over').checked,
        sure: $('sure').value / 100});
}

async function send(image, where, body, local) {
    try {
        const answer = await change(`/api/images/${image.id}/${where}`, body);
        changed(image.id, answer);
        if (local)
            local.rect = answer.rect ?? [0, 0, 0, 0];
        if (answer.stroke === null)
            announce(where === 'undo' ? 'Nothing to take back.' : 'Nothing to do again.');
        else if (where !== 'strokes')
            announce(where === 'undo' ? 'Taken back.' : 'Done again.');
    } catch (error) {
        say(error.message);
        if (local)
            view.strokes = view.strokes.filter(s => s !== local);
    }
    view.draw();
}

function changed(id, {rect, revision, image_revision: mine, painted, undo, redo, strokes}) {
    const image = state.images.get(id);
    state.revision = Math.max(state.revision, revision ?? 0);
    if (!image || mine < image.revision)
        return;
    const known = mine === image.revision;
    Object.assign(image, {revision: mine, painted: painted ?? image.painted, undo: undo ?? image.undo, redo: redo ?? image.redo,
        strokes: strokes ?? image.strokes});
    images.tell(image);
    if (image === state.image) {
        if (!known && rect)
            view.layers.labels.change(rect);
        showUndo();
        view.draw();
    }
}

function showUndo() {
    $('undo').disabled = !state.image?.undo;
    $('redo').disabled = !state.image?.redo;
    $('accept').disabled = !state.image?.predicted;
}

// ---- what is shown ----

function showClasses({classes: list}) {
    classes.fill(list);
    view.layers.labels?.change(null);
    view.layers.prediction?.change(null);
    view.draw();
}

function showTraining({state: name, step: steps, loss, seconds, ready_in: ready, message, on} = {}) {
    if (!name)
        return;
    state.on = on ?? name !== 'paused';
    $('training').setAttribute('aria-pressed', String(state.on));
    $('lamp').dataset.state = name;
    const learnt = steps ? `${steps} steps, ${duration(seconds ?? 0)}` : '';
    $('state-text').textContent = name === 'failed' ? message || 'Learning failed'
        : name === 'waiting' ? capital(message || 'paint some strokes of each class, and learning starts')
        : name === 'paused' ? `Paused${learnt && `: ${learnt}`}`
        : ready > 0 ? `Learning: worth looking in ${duration(ready)}`
        : `Learning: ${learnt || 'it begins'}`;
    if (steps > 0 && Number.isFinite(loss))
        $('loss-text').textContent = `Loss ${loss.toFixed(3)}`;
}

let scoresTimer = 0;
async function showScores() {
    clearTimeout(scoresTimer);
    scoresTimer = setTimeout(() => showScores().catch(() => {}), 15000);
    if (document.hidden)
        return;
    const {dice, loss} = await get('/api/scores');
    plot($('chart-loss'), loss, {low: 0});
    // the mean of the last ten corrections, so that a single hard place does not hide the way it goes
    const mean = dice.map((d, i) => {
        const last = dice.slice(Math.max(0, i - 9), i + 1);
        return [i + 1, last.reduce((sum, v) => sum + v.dice, 0) / last.length];
    });
    plot($('chart-dice'), mean, {low: 0, high: 1, dots: mean.length < 60, format: y => y.toFixed(0)});
    if (mean.length)
        $('dice-text').textContent = `Of the last ${Math.min(10, mean.length)} corrected places, ` +
            `${Math.round(100 * mean.at(-1)[1])} % was as you painted it (Dice).`;
}

function showRadius(radius) {
    const size = 2 * radius;
    $('size-value').textContent = `${size < 10 ? size.toFixed(1) : Math.round(size)} px`;
    $('size').value = Math.round(100 * Math.log(radius / .5) / Math.log(1024));
    $('size').setAttribute('aria-valuetext', $('size-value').textContent);
}

let hoverTimer = 0, hoverWords = '';
function hover(x, y) {
    clearTimeout(hoverTimer);
    const {image} = state;
    looked();
    if (x === null || !image || x < 0 || y < 0 || x >= image.width || y >= image.height) {
        $('status').textContent = image ? `${image.name}  ${image.width} \u00d7 ${image.height}` : '';
        return;
    }
    const px = Math.floor(x), py = Math.floor(y);
    hoverWords = `x ${px}, y ${py}`;
    $('status').textContent = hoverWords;
    hoverTimer = setTimeout(async () => {
        try {
            const value = await get(`/api/images/${image.id}/value?x=${px}&y=${py}`);
            if (hoverWords !== `x ${px}, y ${py}` || state.image !== image)
                return;
            const name = k => classes.classes[k]?.name ?? `class ${k}`;
            let words = `${hoverWords}  value ${value.samples.map(v => Number(v.toPrecision(5))).join(', ')}`;
            if (value.label !== null && value.label !== undefined)
                words += `  painted: ${name(value.label)}`;
            if (value.prediction !== null && value.prediction !== undefined)
                words += `  predicted: ${name(value.prediction)}, ${Math.round(100 * value.certainty)} % sure`;
            $('status').textContent = words;
        } catch {
            // the place alone has to do
        }
    }, 200);
}

// ---- events ----

let lost = false;

const events = {
    hello({revision}) {
        if (lost || revision !== state.revision)
            loadProject().catch(() => {});
        if (lost)
            say(unsent() ? 'The server is here again; what you painted meanwhile is being sent.' : 'The server is here again.');
        lost = false;
        lookedAt = '';
        looked();
    },
    labels(data) {
        changed(data.image, data);
    },
    classes(data) {
        showClasses(data);
    },
    settings() {},
    prediction({image, rect, generation}) {
        const known = state.images.get(image);
        if (known)
            known.predicted = generation;
        if (state.image?.id === image) {
            view.layers.prediction.change(rect ?? null);
            view.layers.certainty.change(rect ?? null);
            showUndo();
            view.draw();
        }
    },
    training: showTraining,
    image({image, share}) {
        if (state.image?.id !== image)
            return;
        $('status').textContent = share < 1 ? `Reading the whole of ${state.image.name}: ${Math.round(100 * share)} %` : '';
        if (share >= 1) {
            view.layers.image.change(null);
            view.draw();
        }
    },
    trouble({message}) {
        say(message, {stay: true});
    },
    score() {
        clearTimeout(scoresTimer);
        scoresTimer = setTimeout(() => showScores().catch(() => {}), 400);
    },
    export({state: how, done, total, folder, message}) {
        const bar = $('export-progress');
        bar.hidden = how !== 'running';
        bar.max = total || 1;
        bar.value = done || 0;
        $('export-start').disabled = how === 'running';
        $('export-text').textContent = how === 'running' ? `${done} of ${total} images`
            : how === 'done' ? `Done: ${folder}` : message || 'It failed.';
        if (how !== 'running' && !$('export-dialog').open)
            say(how === 'done' ? `All images are segmented: ${folder}` : message || 'Segmenting failed.');
    },
    resync() {
        loadProject().catch(() => {});
    },
};

function lose(error) {
    if (error instanceof ServerError && error.status === 401) {
        say('This address lacks the key: open the one that unet studio printed.', {stay: true});
        $('state-text').textContent = 'No key';
        return;
    }
    if (!lost)
        say('The server does not answer. What you paint is kept here, and sent when it is back.', {stay: true});
    lost = true;
    $('lamp').dataset.state = 'failed';
    $('state-text').textContent = 'No server';
}

// ---- buttons ----

function choose(tool) {
    tools.choose(tool);
    for (const button of document.querySelectorAll('[data-tool][role=radio]')) {
        const on = button.dataset.tool === tool;
        button.setAttribute('aria-checked', String(on));
        button.tabIndex = on ? 0 : -1;
    }
}

for (const button of document.querySelectorAll('[data-tool][role=radio]')) {
    button.addEventListener('click', () => choose(button.dataset.tool));
    button.addEventListener('keydown', event => {
        const by = {ArrowRight: 1, ArrowLeft: -1}[event.key];
        if (!by)
            return;
        event.preventDefault();
        event.stopPropagation();
        const all = [...document.querySelectorAll('[data-tool][role=radio]')];
        const other = all[(all.indexOf(button) + by + all.length) % all.length];
        choose(other.dataset.tool);
        other.focus();
    });
}

const undo = () => state.image && send(state.image, 'undo', {});
const redo = () => state.image && send(state.image, 'redo', {});
const acceptAll = () => state.image && take('image');
const next = () => attempt(openNext());

$('undo').addEventListener('click', undo);
$('redo').addEventListener('click', redo);
$('accept').addEventListener('click', acceptAll);
$('next').addEventListener('click', next);
$('zoom-in').addEventListener('click', () => view.zoom(1.4));
$('zoom-out').addEventListener('click', () => view.zoom(1 / 1.4));
$('zoom-fit').addEventListener('click', () => view.fit());
$('size').addEventListener('input', () => tools.setRadius(.5 * Math.exp($('size').value / 100 * Math.log(1024))));
$('sure').addEventListener('input', () => $('sure-value').textContent = `${$('sure').value} %`);
$('training').addEventListener('click', () => attempt(post('/api/training', {on: !state.on}).then(showTraining)));
$('help').addEventListener('click', () => $('help-dialog').showModal());
$('export').addEventListener('click', () => $('export-dialog').showModal());
$('export-start').addEventListener('click', () => {
    const wishes = Object.fromEntries([...$('export-form').querySelectorAll('input')].map(box => [box.name, box.checked]));
    $('export-start').disabled = true;
    attempt(post('/api/export', wishes), () => $('export-start').disabled = false)
        .then(() => $('alert').hidden || ($('export-text').textContent = $('alert').textContent));
});
$('alert').addEventListener('click', () => $('alert').hidden = true);
$('skip').addEventListener('click', event => {
    event.preventDefault(); // the fragment is the key's place
    $('canvas').focus();
});

for (const name of ['image', 'labels', 'prediction', 'certainty']) {
    const box = $(`show-${name}`), opacity = $(`${name}-opacity`);
    box.addEventListener('change', () => {
        view.settings[name] = box.checked;
        view.draw();
    });
    opacity?.addEventListener('input', () => {
        view.settings[`${name}-opacity`] = opacity.value / 100;
        view.draw();
    });
}

function toggle(name) {
    $(`show-${name}`).click();
    announce(`${name} ${$(`show-${name}`).checked ? 'shown' : 'hidden'}`);
}

// ---- keys ----

const keys = {
    b: () => choose('brush'), e: () => choose('erase'), p: () => choose('polygon'), f: () => choose('fill'),
    o: () => choose('object'), g: () => choose('region'), h: () => choose('pan'),
    a: acceptAll, n: next,
    i: () => toggle('image'), l: () => toggle('labels'), r: () => toggle('prediction'), u: () => toggle('certainty'),
    '[': () => tools.setRadius(tools.radius / 1.25), ']': () => tools.setRadius(tools.radius * 1.25),
    '+': () => view.zoom(1.4), '=': () => view.zoom(1.4), '-': () => view.zoom(1 / 1.4), 0: () => view.fit(),
    '?': () => $('help-dialog').showModal(),
    PageUp: () => step(-1), PageDown: () => step(1),
    Enter: () => tools.close(), Escape: () => tools.cancel(), Backspace: () => tools.back(),
};
const onCanvas = new Set(['Enter', 'Backspace']);
const arrows = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

document.addEventListener('keydown', event => {
    const {target} = event;
    const typing = target.closest('dialog') || /^(text|search)$/.test(target.type) || target.tagName === 'SELECT';
    if (typing || event.isComposing)
        return;
    const command = event.ctrlKey || event.metaKey;
    if (command && !event.altKey && /^[zy]$/i.test(event.key)) {
        event.preventDefault();
        if (event.key.toLowerCase() === 'y' || event.shiftKey)
            redo();
        else
            undo();
        return;
    }
    if (command)
        return;
    const canvas = target === $('canvas');
    if (canvas && arrows[event.key]) {
        event.preventDefault();
        const [dx, dy] = arrows[event.key];
        if (event.shiftKey)
            view.move(-60 * dx * view.ratio, -60 * dy * view.ratio);
        else
            tools.step(dx, dy, event.altKey);
        return;
    }
    if (canvas && event.key === ' ') {
        event.preventDefault();
        if (!event.repeat)
            tools.pen();
        return;
    }
    if (event.altKey || (onCanvas.has(event.key) && !canvas))
        return;
    if (/^[1-9]$/.test(event.key)) {
        classes.choose(Number(event.key) - 1);
        return;
    }
    const does = keys[event.key] ?? keys[event.key.toLowerCase()];
    if (does) {
        event.preventDefault();
        does();
    }
});

document.addEventListener('visibilitychange', () => {
    if (!document.hidden)
        showScores().catch(() => {});
});

// ---- begin ----

if (matchMedia('(max-width: 900px)').matches)
    document.querySelectorAll('aside details').forEach((box, i) => box.open = i === 0);
choose('brush');
tools.setRadius(8);
window.studio = {state, view, tools, clientName}; // for tests and the curious
listen((name, data) => events[name]?.(data), lose);
loadProject().then(showScores).catch(error => {
    if (!(error instanceof ServerError && error.status === 401))
        say(error instanceof ServerError ? error.message : 'The server does not answer.');
});
