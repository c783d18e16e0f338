// SPDX-License-Identifier: Apache-2.0
// view.js - the picture: where it lies on the screen, its layers, and what is being drawn
//
// A point of the image (x, y) is on the canvas at (x * scale + left, y * scale + top), in pixels of the
// screen, not of CSS.

import {Layer, SIDE} from './tiles.js';

const LARGEST = 64; // pixels of the screen for one of the image

export class View {
    constructor(canvas, drawn) {
        this.canvas = canvas;
        this.drawn = drawn; // called after each frame, for what lies above
        this.context = canvas.getContext('2d');
        this.paint = document.createElement('canvas'); // what is painted, before it is laid over the image
        this.image = null;
        this.layers = {};
        this.strokes = []; // that the server has, or will have, and the tiles do not show yet
        this.cross = null; // of the keyboard
        this.settings = {image: true, labels: true, prediction: true, certainty: false,
            'labels-opacity': .6, 'prediction-opacity': .35, 'certainty-opacity': .6};
        this.contrast = '';
        new ResizeObserver(() => this.resize()).observe(canvas);
        this.resize();
    }

    resize() {
        const ratio = window.devicePixelRatio || 1;
        const {clientWidth, clientHeight} = this.canvas;
        const width = Math.max(1, Math.round(clientWidth * ratio)), height = Math.max(1, Math.round(clientHeight * ratio));
        if (width === this.canvas.width && height === this.canvas.height)
            return;
        const middle = this.image && this.toImage(this.canvas.width / 2, this.canvas.height / 2);
        this.canvas.width = this.paint.width = width;
        this.canvas.height = this.paint.height = height;
        this.ratio = ratio;
        if (this.fitted || !middle) {
            this.fit();
        } else {
            this.left = width / 2 - middle[0] * this.scale;
            this.top = height / 2 - middle[1] * this.scale;
        }
        this.draw();
    }

    open(image) {
        for (const layer of Object.values(this.layers))
            layer.free();
        this.image = image;
        this.strokes = [];
        this.cross = null;
        const at = `/api/images/${image.id}`;
        const arrived = () => this.draw();
        const place = (level, x, y) => `level=${level}&x=${x}&y=${y}`;
        this.layers = {
            image: new Layer((l, x, y) => `${at}/tile?${place(l, x, y)}${this.contrast}`, arrived, {keep: true}),
            labels: new Layer((l, x, y) => `${at}/labels?${place(l, x, y)}`, arrived),
            prediction: new Layer((l, x, y) => `${at}/prediction?${place(l, x, y)}`, arrived),
            certainty: new Layer((l, x, y) => `${at}/certainty?${place(l, x, y)}`, arrived),
        };
        this.fit();
    }

    // ---- where it lies ----

    fit() {
        this.fitted = true;
        if (!this.image)
            return;
        const {width, height} = this.image;
        const room = .96;
        this.scale = Math.min(this.canvas.width / width, this.canvas.height / height, LARGEST / room) * room;
        this.left = (this.canvas.width - width * this.scale) / 2;
        this.top = (this.canvas.height - height * this.scale) / 2;
        this.moved();
    }

    zoom(factor, x = this.canvas.width / 2, y = this.canvas.height / 2) {
        if (!this.image)
            return;
        const smallest = Math.min(1, 64 / Math.max(this.image.width, this.image.height));
        const scale = Math.min(LARGEST, Math.max(smallest, this.scale * factor));
        this.left = x - (x - this.left) * scale / this.scale;
        this.top = y - (y - this.top) * scale / this.scale;
        this.scale = scale;
        this.fitted = false;
        this.moved();
    }

    move(dx, dy) {
        if (!this.image)
            return;
        this.left += dx;
        this.top += dy;
        this.fitted = false;
        this.moved();
    }

    moved() {
        // some of the image stays on the screen
        const {width, height} = this.image;
        const keep = 40;
        this.left = Math.min(this.canvas.width - keep, Math.max(keep - width * this.scale, this.left));
        this.top = Math.min(this.canvas.height - keep, Math.max(keep - height * this.scale, this.top));
        this.draw();
    }

    toImage(x, y) {
        return [(x - this.left) / this.scale, (y - this.top) / this.scale];
    }

    /** A pointer event's place, in pixels of the canvas. */
    place(event) {
        const box = this.canvas.getBoundingClientRect();
        return [(event.clientX - box.left) * this.ratio, (event.clientY - box.top) * this.ratio];
    }

    /** What is seen, as a rectangle of the image: [x, y, width, height]; null: nothing. */
    seen() {
        if (!this.image)
            return null;
        const [x0, y0] = this.toImage(0, 0), [x1, y1] = this.toImage(this.canvas.width, this.canvas.height);
        const x = Math.max(0, Math.floor(x0)), y = Math.max(0, Math.floor(y0));
        const width = Math.min(this.image.width, Math.ceil(x1)) - x, height = Math.min(this.image.height, Math.ceil(y1)) - y;
        return width > 0 && height > 0 ? [x, y, width, height] : null;
    }

    // ---- drawing ----

    draw() {
        if (this.due)
            return;
        this.due = requestAnimationFrame(() => {
            this.due = 0;
            this.frame();
        });
    }

    frame() {
        const {context, canvas, settings} = this;
        context.setTransform(1, 0, 0, 1, 0, 0);
        context.clearRect(0, 0, canvas.width, canvas.height);
        const rect = this.seen();
        if (!rect)
            return;
        for (const layer of Object.values(this.layers))
            layer.begin();
        if (settings.image)
            this.tiles(context, this.layers.image, rect);
        if (settings.prediction) {
            context.globalAlpha = settings['prediction-opacity'];
            this.tiles(context, this.layers.prediction, rect);
        }
        if (settings.certainty) {
            context.globalAlpha = settings['certainty-opacity'];
            context.globalCompositeOperation = 'multiply';
            this.tiles(context, this.layers.certainty, rect);
            context.globalCompositeOperation = 'source-over';
        }
        if (settings.labels) {
            this.labels(rect);
            context.globalAlpha = settings['labels-opacity'];
            context.drawImage(this.paint, 0, 0);
        }
        context.globalAlpha = 1;
        this.border();
        for (const layer of Object.values(this.layers))
            layer.end();
        this.drawn?.(context);
    }

    /** The level whose pixels are at most one of the screen, or the finest. */
    level() {
        const level = Math.max(0, Math.floor(Math.log2(1 / this.scale) + 1e-6));
        return Math.min(level, this.image.levels - 1);
    }

    tiles(context, layer, [left, top, width, height]) {
        const level = this.level();
        const side = SIDE * 2 ** level;
        const {levels} = this.image;
        const across = Math.ceil(this.image.width / 2 ** level), down = Math.ceil(this.image.height / 2 ** level);
        context.imageSmoothingEnabled = this.scale * 2 ** level < 1;
        context.setTransform(this.scale, 0, 0, this.scale, this.left, this.top);
        for (let y = Math.floor(top / side); y * side < top + height; y++)
            for (let x = Math.floor(left / side); x * side < left + width; x++) {
                const tile = layer.tile(level, x, y);
                const wide = Math.min(SIDE, across - x * SIDE), high = Math.min(SIDE, down - y * SIDE);
                const scale = 2 ** level;
                if (tile.bitmap) {
                    context.drawImage(tile.bitmap, 0, 0, wide, high, x * side, y * side, wide * scale, high * scale);
                } else if (!tile.loaded) {
                    const coarse = layer.nearest(level, x, y, levels);
                    if (coarse) {
                        const part = coarse.side / SIDE;
                        context.drawImage(coarse.bitmap, coarse.x, coarse.y, wide * part, high * part,
                            x * side, y * side, wide * scale, high * scale);
                    }
                }
            }
        context.setTransform(1, 0, 0, 1, 0, 0);
    }

    /** What is painted, with the strokes that are on their way, into this.paint. */
    labels(rect) {
        const context = this.paint.getContext('2d');
        context.setTransform(1, 0, 0, 1, 0, 0);
        context.clearRect(0, 0, this.paint.width, this.paint.height);
        this.tiles(context, this.layers.labels, rect);
        this.strokes = this.strokes.filter(stroke => {
            return !(stroke.rect && this.layers.labels.settled(stroke.rect));
        });
        context.save();
        context.setTransform(this.scale, 0, 0, this.scale, this.left, this.top);
        context.beginPath();
        context.rect(0, 0, this.image.width, this.image.height);
        context.clip();
        for (const stroke of this.strokes)
            trace(context, stroke);
        context.restore();
    }

    border() {
        const {context, image} = this;
        context.strokeStyle = 'rgba(128,128,128,.8)';
        context.lineWidth = 1;
        context.strokeRect(Math.round(this.left) - .5, Math.round(this.top) - .5,
            Math.round(image.width * this.scale) + 1, Math.round(image.height * this.scale) + 1);
    }
}

/** Draws a stroke {tool, color, radius, points} in the image's coordinates. */
export function trace(context, {tool, color, radius, points}) {
    context.globalCompositeOperation = tool === 'erase' || color === null ? 'destination-out' : 'source-over';
    context.fillStyle = context.strokeStyle = color ?? '#000';
    context.beginPath();
    if (tool === 'polygon') {
        for (let i = 0; i + 1 < points.length; i += 2)
            context.lineTo(points[i], points[i + 1]);
        context.closePath();
        context.fill('evenodd');
    } else if (tool === 'brush' || tool === 'erase') {
        context.lineWidth = 2 * radius;
        context.lineCap = context.lineJoin = 'round';
        context.moveTo(points[0], points[1]);
        for (let i = 2; i + 1 < points.length; i += 2)
            context.lineTo(points[i], points[i + 1]);
        if (points.length === 2) {
            context.arc(points[0], points[1], radius, 0, 2 * Math.PI);
            context.fill();
        } else {
            context.stroke();
        }
    }
    context.globalCompositeOperation = 'source-over';
}
