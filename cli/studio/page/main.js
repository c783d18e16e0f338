// SPDX-License-Identifier: Apache-2.0
// main.js - the page: the project, the image that is open, strokes, and what the server says

import {ServerError, change, clientName, get, listen, post, unsent} from './api.js';
import {ClassList} from './classes.js';
import {Contrast} from './contrast.js';
import {bindControls} from './controls.js';
import {ImageList} from './images.js';
import {scoresChanged, showExport, showScores, showTraining} from './progress.js';
import {Tools} from './tools.js';
import {View} from './view.js';
import {$, announce, attempt, say} from './words.js';

const state = {images: new Map(), order: [], image: null, revision: -1, settings: {}};

const view = new View($('canvas'));
const tools = new Tools(view, {made: stroke, hover, resized: showRadius});
const images = new ImageList($('thumbs'), $('search'), id => open(id));
const classes = new ClassList($('classes'), $('quick'), $('add-class'), {
    chosen: (number, {color}) => tools.setClass(number, color),
    changed: list => attempt(post('/api/classes', {classes: list}).then(showClasses), loadProject),
});
const contrast = new Contrast(query => {
    view.contrast = query;
    view.layers.image?.change(null);
    view.draw();
});

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
    const now = state.image?.id;
    const wanted = [now, first ? state.settings.image : undefined, state.order.find(id => !state.images.get(id).missing)]
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
        const first = !known?.predicted;
        if (known)
            known.predicted = generation;
        if (state.image?.id === image) {
            if (first)
                announce('The prediction is here.');
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
    score: scoresChanged,
    export: showExport,
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

document.addEventListener('visibilitychange', () => {
    if (!document.hidden)
        showScores().catch(() => {});
});

// ---- begin ----

if (matchMedia('(max-width: 900px)').matches)
    document.querySelectorAll('aside details').forEach((box, i) => box.open = i === 0);
bindControls(view, tools, classes, {
    undo: () => state.image && send(state.image, 'undo', {}),
    redo: () => state.image && send(state.image, 'redo', {}),
    acceptAll: () => state.image && take('image'),
    next: () => attempt(openNext()),
    step,
});
window.studio = {state, view, tools, clientName}; // for tests and the curious
// the first event says the project's revision, so what could not be loaded is loaded then
loadProject().then(showScores).catch(() => {}).finally(() => listen((name, data) => events[name]?.(data), lose));
