// SPDX-License-Identifier: Apache-2.0
// contrast.js - which samples are black and white, gamma, and the channels that are shown

import {get} from './api.js';
import {bars} from './chart.js';
import {$} from './words.js';

export class Contrast {
    /** changed(query): what is added to a tile's address, '' as it was. */
    constructor(changed) {
        this.changed = changed;
        this.kept = new Map(); // what was set for images of one kind
        for (const id of ['low', 'high', 'gamma', 'channels'])
            $(id).addEventListener('input', () => this.set());
        $('contrast-auto').addEventListener('click', () => {
            this.kept.delete(this.kind);
            this.boxes(this.image.channels);
            this.show();
            this.changed('');
        });
    }

    async open(image) {
        this.image = image;
        this.kind = `${image.sample}/${image.channels}`;
        this.stats = null;
        this.boxes(image.channels);
        const stats = await get(`/api/images/${image.id}/stats`);
        if (this.image !== image)
            return;
        this.stats = stats.channels;
        this.show();
    }

    query() {
        return this.kept.get(this.kind)?.query ?? '';
    }

    boxes(count) {
        const list = $('channels');
        $('channels-row').hidden = count < 2;
        const wishes = Array.from({length: Math.min(count, 64)}, (v, i) => [String(i), `${i + 1}`]);
        if (count >= 3)
            wishes.unshift(['0,1,2', '1, 2, 3 as red, green, blue']);
        list.replaceChildren(...wishes.map(([value, text]) => new Option(text, value)));
        list.value = this.kept.get(this.kind)?.channels ?? wishes[0][0];
    }

    /** The range of the sliders: all channels' samples. */
    span() {
        const min = Math.min(...this.stats.map(s => s.min)), max = Math.max(...this.stats.map(s => s.max));
        return [min, max > min ? max : min + 1];
    }

    show() {
        if (!this.stats)
            return;
        const [min, max] = this.span();
        const kept = this.kept.get(this.kind);
        const plain = this.image.sample === 'u8';
        const low = kept?.low ?? (plain ? 0 : Math.min(...this.stats.map(s => s.low)));
        const high = kept?.high ?? (plain ? 255 : Math.max(...this.stats.map(s => s.high)));
        $('low').value = Math.round(1000 * (low - min) / (max - min));
        $('high').value = Math.round(1000 * (high - min) / (max - min));
        $('gamma').value = Math.round(100 * Math.log10(kept?.gamma ?? 1));
        this.histogram();
    }

    histogram() {
        const channel = parseInt($('channels').value, 10) || 0;
        bars($('histogram'), this.stats[Math.min(channel, this.stats.length - 1)].histogram,
            $('low').value / 1000, $('high').value / 1000);
    }

    set() {
        if (!this.stats)
            return;
        const [min, max] = this.span();
        const at = id => min + (max - min) * $(id).value / 1000;
        let low = at('low'), high = at('high');
        if (high <= low)
            high = low + (max - min) / 1000;
        const gamma = 10 ** ($('gamma').value / 100);
        const channels = $('channels').value;
        const query = `&low=${low}&high=${high}&gamma=${gamma.toFixed(3)}&channels=${channels}`;
        this.kept.set(this.kind, {low, high, gamma, channels, query});
        this.histogram();
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.changed(query), 80);
    }
}
