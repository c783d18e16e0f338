// SPDX-License-Identifier: Apache-2.0
// controls.js - the buttons, sliders and keys of the page, and what each of them does
//
// They work on view and tools themselves; what the server has to hear of are `actions`: undo, redo,
// acceptAll, next, step(by).

import {post} from './api.js';
import {isExporting, isLearning, showTraining} from './progress.js';
import {$, announce, attempt} from './words.js';

export function bindControls(view, tools, classes, {undo, redo, acceptAll, next, step}) {
    const toolButtons = [...document.querySelectorAll('[data-tool][role=radio]')];

    function choose(tool) {
        tools.choose(tool);
        for (const button of toolButtons) {
            const on = button.dataset.tool === tool;
            button.setAttribute('aria-checked', String(on));
            button.tabIndex = on ? 0 : -1;
        }
    }

    function toggle(name) {
        $(`show-${name}`).click();
        announce(`${name} ${$(`show-${name}`).checked ? 'shown' : 'hidden'}`);
    }

    for (const [i, button] of toolButtons.entries()) {
        button.addEventListener('click', () => choose(button.dataset.tool));
        button.addEventListener('keydown', event => {
            const by = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
            if (!by)
                return;
            event.preventDefault();
            event.stopPropagation();
            const other = toolButtons[(i + by + toolButtons.length) % toolButtons.length];
            choose(other.dataset.tool);
            other.focus();
        });
    }

    $('undo').addEventListener('click', undo);
    $('redo').addEventListener('click', redo);
    $('accept').addEventListener('click', acceptAll);
    $('next').addEventListener('click', next);
    $('zoom-in').addEventListener('click', () => view.zoom(1.4));
    $('zoom-out').addEventListener('click', () => view.zoom(1 / 1.4));
    $('zoom-fit').addEventListener('click', () => view.fit());
    $('size').addEventListener('input', () => tools.setRadius(.5 * Math.exp($('size').value / 100 * Math.log(1024))));
    $('sure').addEventListener('input', () => $('sure-value').textContent = `${$('sure').value} %`);
    $('training').addEventListener('click', () => attempt(post('/api/training', {on: !isLearning()}).then(showTraining)));
    $('help').addEventListener('click', () => $('help-dialog').showModal());
    $('export').addEventListener('click', () => $('export-dialog').showModal());
    $('export-start').addEventListener('click', () => {
        const wishes = isExporting() ? {stop: true}
            : Object.fromEntries([...$('export-form').querySelectorAll('input')].map(box => [box.name, box.checked]));
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

    choose('brush');
    tools.setRadius(8);
}
