// SPDX-License-Identifier: Apache-2.0
// progress.js - how the learning goes: state, loss, what was right of what was corrected, the export

import {get} from './api.js';
import {plot} from './chart.js';
import {$, announce, capital, duration, say} from './words.js';

let learning = true, exporting = false, told = '';

/** Whether the person wants it to learn. */
export function isLearning() {
    return learning;
}

export function showTraining({state: name, step: steps, loss, seconds, ready_in: ready, message, on} = {}) {
    if (!name)
        return;
    learning = on ?? name !== 'paused';
    $('training').setAttribute('aria-pressed', String(learning));
    $('lamp').dataset.state = name;
    const learnt = steps ? `${steps} steps, ${duration(seconds ?? 0)}` : '';
    $('state-text').textContent = name === 'failed' ? message || 'Learning failed'
        : name === 'waiting' ? capital(message || 'paint some strokes of each class, and learning starts')
        : name === 'paused' ? `Paused${learnt && `: ${learnt}`}`
        : ready > 0 ? `Learning: worth looking in ${duration(ready)}`
        : `Learning: ${learnt || 'it begins'}`;
    if (name !== told) // not each second, to who listens
        announce($('state-text').textContent);
    told = name;
    if (steps > 0 && Number.isFinite(loss))
        $('loss-text').textContent = `Loss ${loss.toFixed(3)}`;
}

let scoresTimer = 0;
export async function showScores() {
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

/** Whether images are being segmented now. */
export function isExporting() {
    return exporting;
}

/** Soon, but once for many events. */
export function scoresChanged() {
    clearTimeout(scoresTimer);
    scoresTimer = setTimeout(() => showScores().catch(() => {}), 400);
}

export function showExport({state: how, done, total, folder, message}) {
    const bar = $('export-progress');
    bar.hidden = how !== 'running';
    bar.max = total || 1;
    bar.value = done || 0;
    exporting = how === 'running';
    $('export-start').textContent = exporting ? 'Stop' : 'Start';
    $('export-start').disabled = false;
    $('export-text').textContent = exporting ? `${done} of ${total} images`
        : how === 'done' ? `Done: ${folder}` : how === 'stopped' ? 'Stopped.' : message || 'It failed.';
    if (how === 'done' || how === 'failed')
        ($('export-dialog').open ? announce : say)(how === 'done' ? `All images are segmented: ${folder}` : message || 'Segmenting failed.');
}
