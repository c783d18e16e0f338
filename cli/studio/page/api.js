// SPDX-License-Identifier: Apache-2.0
// api.js - all that is said to the server: requests with the key, events, and strokes in their order
//
// docs/studio-api.md is the contract.  Strokes wait in a queue: they are sent one after another, and
// again when the answer is lost; the server counts each once (client, seq).

const key = decodeURIComponent(location.hash.slice(1));
const client = Array.from(crypto.getRandomValues(new Uint8Array(12)), b => (b % 36).toString(36)).join('');
let seq = 0;

export function clientName() {
    return client;
}

export class ServerError extends Error {
    constructor(status, message) {
        super(message);
        this.status = status;
    }
}

async function ask(path, options = {}) {
    const response = await fetch(path, {
        cache: 'no-store',
        ...options,
        headers: {'X-Unet-Key': key, ...options.headers},
    });
    if (response.ok)
        return response;
    let words = `${response.status} ${response.statusText}`;
    try {
        words = (await response.json()).error || words;
    } catch {
        // an answer that is no JSON has no better words
    }
    throw new ServerError(response.status, words);
}

export async function get(path) {
    return (await ask(path)).json();
}

export async function post(path, body) {
    const response = await ask(path, {
        method: 'POST',
        headers: {'Content-Type': 'application/json'},
        body: JSON.stringify(body),
    });
    return response.json();
}

/** A picture as a bitmap; null where the server has none (204). */
export async function bitmap(path, {signal, keep} = {}) {
    const response = await ask(path, {signal, cache: keep ? 'default' : 'no-store'});
    if (response.status === 204)
        return null;
    return createImageBitmap(await response.blob(), {colorSpaceConversion: 'none', premultiplyAlpha: 'default'});
}

const sleep = ms => new Promise(done => setTimeout(done, ms));

// ---- strokes ----

const queue = [];
let sending = false;

/** How many strokes the server does not have yet. */
export function unsent() {
    return queue.length;
}

/** Sends a change; resolves with the answer, rejects with the server's words if it is refused. */
export function change(path, body) {
    return new Promise((done, failed) => {
        queue.push({path, body: {client, seq: ++seq, ...body}, done, failed});
        if (!sending)
            sendAll();
    });
}

async function sendAll() {
    sending = true;
    let wait = 250;
    while (queue.length) {
        const {path, body, done, failed} = queue[0];
        try {
            done(await post(path, body));
            queue.shift();
            wait = 250;
        } catch (error) {
            if (error instanceof ServerError && error.status !== 503) {
                failed(error);
                queue.shift();
                continue;
            }
            await sleep(wait); // no server, or a busy one: the stroke stays first
            wait = Math.min(2 * wait, 4000);
        }
    }
    sending = false;
}

window.addEventListener('beforeunload', event => {
    if (queue.length)
        event.preventDefault();
});

// ---- events ----

/** Calls on(name, data) for each event, and lost(error) each time the connection ends; forever. */
export async function listen(on, lost) {
    for (let wait = 300;; wait = Math.min(2 * wait, 4000)) {
        try {
            const response = await ask('/api/events');
            const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
            let text = '';
            for (;;) {
                const {value, done} = await reader.read();
                if (done)
                    break;
                wait = 300;
                text += value.replaceAll('\r\n', '\n');
                for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2))
                    hand(text.slice(0, end), on);
            }
            lost(null);
        } catch (error) {
            lost(error);
            if (error instanceof ServerError && error.status === 401)
                return;
        }
        await sleep(wait);
    }
}

function hand(text, on) {
    let name = '';
    const data = [];
    for (const line of text.split('\n')) {
        if (line.startsWith('event:'))
            name = line.slice(6).trim();
        else if (line.startsWith('data:'))
            data.push(line.slice(5));
    }
    if (name && data.length)
        on(name, JSON.parse(data.join('\n')));
}
