// SPDX-License-Identifier: Apache-2.0
// words.js - what is said to the person: a line that stays a while, one for who does not see, durations

import {ServerError} from './api.js';

export const $ = id => document.getElementById(id);

let alertTimer = 0;

export function say(words, {stay = false} = {}) {
    $('alert').textContent = words;
    $('alert').hidden = false;
    clearTimeout(alertTimer);
    if (!stay)
        alertTimer = setTimeout(() => $('alert').hidden = true, 8000);
}

export function announce(words) {
    $('live').textContent = words;
}

/** What was refused is said, and `otherwise` puts right what the page shows. */
export function attempt(promise, otherwise) {
    return promise.catch(error => {
        say(error instanceof ServerError ? error.message : 'The server does not answer.');
        otherwise?.();
    });
}

export const capital = words => words[0].toUpperCase() + words.slice(1);
export const duration = seconds => seconds < 90 ? `${Math.round(seconds)} s`
    : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
