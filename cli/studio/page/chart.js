// SPDX-License-Identifier: Apache-2.0
// chart.js - a small plot of (x, y) in an SVG element

const SPACE = 'http://www.w3.org/2000/svg';

function make(name, attributes, text) {
    const element = document.createElementNS(SPACE, name);
    for (const [key, value] of Object.entries(attributes))
        element.setAttribute(key, value);
    if (text !== undefined)
        element.textContent = text;
    return element;
}

/** values: [[x, y]]; low, high: of y, else their own; dots: each value alone; line: through them. */
export function plot(svg, values, {low, high, dots = false, line = true, format = y => y.toPrecision(2)} = {}) {
    svg.replaceChildren();
    const known = values.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
    if (!known.length)
        return;
    const {width, height} = svg.viewBox.baseVal;
    const ys = known.map(v => v[1]), xs = known.map(v => v[0]);
    low ??= Math.min(...ys);
    high ??= Math.max(...ys);
    if (high <= low)
        high = low + (Math.abs(low) || 1) * .1;
    const left = 34, right = 6, top = 8, bottom = 8;
    const first = Math.min(...xs), last = Math.max(...xs, first + 1);
    const px = x => left + (x - first) / (last - first) * (width - left - right);
    const py = y => top + (high - Math.min(high, Math.max(low, y))) / (high - low) * (height - top - bottom);
    for (const y of [low, high]) {
        svg.append(make('line', {x1: left, x2: width - right, y1: py(y), y2: py(y), class: 'grid'}));
        svg.append(make('text', {x: left - 4, y: py(y) + 3.5, 'text-anchor': 'end'}, format(y)));
    }
    if (line) {
        const every = Math.max(1, Math.floor(known.length / 400));
        const kept = known.filter((v, i) => i % every === 0 || i === known.length - 1);
        svg.append(make('polyline', {points: kept.map(([x, y]) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`).join(' ')}));
    }
    if (dots)
        for (const [x, y] of known.slice(-200))
            svg.append(make('circle', {cx: px(x), cy: py(y), r: 2.2}));
}

/** Bars of a histogram, and the range that is shown (0..1 of it). */
export function bars(svg, counts, from, to) {
    svg.replaceChildren();
    const most = Math.max(...counts.map(c => Math.log1p(c)), 1e-9);
    const {width, height} = svg.viewBox.baseVal;
    svg.append(make('rect', {x: from * width, width: Math.max(.3, (to - from) * width), y: 0, height, class: 'range'}));
    counts.forEach((count, i) => {
        const high = Math.log1p(count) / most * height;
        svg.append(make('rect', {x: i * width / counts.length, width: width / counts.length, y: height - high, height: high}));
    });
}
