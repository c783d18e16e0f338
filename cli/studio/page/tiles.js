// SPDX-License-Identifier: Apache-2.0
// tiles.js - pictures of 256 x 256 pixels of an image's levels: asked for when they are seen, kept while
// there is room.  A tile that has become old is still drawn until the new one is here.

import {bitmap} from './api.js';

export const SIDE = 256;
const ROOM = 600; // tiles that are kept: 150 MB at most
const AT_ONCE = 6;

let clock = 0;
let running = 0;
let waiting = [];

function next() {
    while (running < AT_ONCE && waiting.length) {
        const tile = waiting.pop(); // the newest wish first: that is what is seen
        tile.queued = false;
        if (tile.wanted === tile.layer.frame || tile.layer.frame - tile.wanted < 3)
            load(tile);
    }
}

async function load(tile) {
    const {layer} = tile;
    const age = tile.changed;
    running++;
    tile.loading = true;
    try {
        const picture = await bitmap(layer.address(tile.level, tile.x, tile.y), {keep: layer.keep});
        if (tile.gone) {
            picture?.close();
        } else {
            tile.bitmap?.close();
            tile.bitmap = picture;
            tile.loaded = age;
            tile.failed = 0;
        }
    } catch {
        tile.failed = Date.now();
        setTimeout(() => layer.arrived(), 1100); // drawn again, and so asked for again
    }
    tile.loading = false;
    running--;
    layer.arrived();
    next();
}

/** One kind of picture of one image: its pixels, what is painted, what is predicted. */
export class Layer {
    /** address(level, x, y): what to ask for; arrived(): called when one is here. */
    constructor(address, arrived, {keep = false} = {}) {
        Object.assign(this, {address, arrived, keep, tiles: new Map(), frame: 0});
    }

    /** The tile, asked for if it is not here or old. */
    tile(level, x, y) {
        const name = `${level}/${x}/${y}`;
        let tile = this.tiles.get(name);
        if (!tile) {
            tile = {layer: this, level, x, y, bitmap: null, changed: 1, loaded: 0, failed: 0};
            this.tiles.set(name, tile);
        }
        tile.used = ++clock;
        tile.wanted = this.frame;
        if (tile.loaded < tile.changed && !tile.loading && !tile.queued && Date.now() - tile.failed > 1000) {
            tile.queued = true;
            waiting.push(tile);
        }
        return tile;
    }

    /** A finished picture of the place, however coarse: {bitmap, part of it}. */
    nearest(level, x, y, levels) {
        for (let up = 1; level + up < levels; up++) {
            const tile = this.tiles.get(`${level + up}/${x >> up}/${y >> up}`);
            if (tile?.bitmap) {
                const side = SIDE >> up;
                return {bitmap: tile.bitmap, x: (x % (1 << up)) * side, y: (y % (1 << up)) * side, side};
            }
        }
        return null;
    }

    /** What lies in the rectangle (of full size; null: everything) has changed. */
    change(rect) {
        for (const tile of this.tiles.values())
            if (!rect || touches(tile, rect))
                tile.changed++;
    }

    /** Whether all tiles that touch the rectangle and were drawn last are as new as can be. */
    settled(rect) {
        for (const tile of this.tiles.values())
            if (tile.wanted === this.frame && tile.loaded < tile.changed && touches(tile, rect))
                return false;
        return true;
    }

    begin() {
        this.frame++;
    }

    end() {
        next();
        if (this.tiles.size <= ROOM)
            return;
        const old = [...this.tiles].filter(([, t]) => !t.loading && t.wanted !== this.frame);
        old.sort((a, b) => a[1].used - b[1].used);
        for (const [name, tile] of old.slice(0, this.tiles.size - ROOM)) {
            tile.bitmap?.close();
            tile.gone = true;
            this.tiles.delete(name);
        }
    }

    free() {
        for (const tile of this.tiles.values()) {
            tile.bitmap?.close();
            tile.gone = true;
        }
        this.tiles.clear();
        waiting = waiting.filter(tile => tile.layer !== this);
    }
}

function touches(tile, [x, y, width, height]) {
    const side = SIDE * 2 ** tile.level;
    // a tile of a coarser level has pixels of its neighbours' edges
    const edge = 2 ** tile.level;
    return x < (tile.x + 1) * side + edge && x + width > tile.x * side - edge &&
        y < (tile.y + 1) * side + edge && y + height > tile.y * side - edge;
}
