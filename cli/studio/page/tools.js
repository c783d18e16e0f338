// SPDX-License-Identifier: Apache-2.0
// tools.js - from mouse, pen, fingers and keys to strokes
//
// One finger, a pen or the left button draws; two fingers move and zoom; the middle button, or Shift
// with arrows, moves.  A stroke is seen at once and handed to `made` when it ends.

import {trace} from './view.js';

const POINTS = 9000; // of one stroke; a longer line goes on as another

export class Tools {
    /** made(stroke): {tool, class, radius, points}; picked(x, y): the pointer rests or moves there. */
    constructor(view, {made, hover, resized}) {
        Object.assign(this, {view, made, hover, resized, tool: 'brush', radius: 8, pointers: new Map(), now: null});
        const {canvas} = view;
        view.drawn = context => this.drawn(context);
        canvas.addEventListener('pointerdown', e => this.down(e));
        canvas.addEventListener('pointermove', e => this.moveTo(e));
        for (const name of ['pointerup', 'pointercancel'])
            canvas.addEventListener(name, e => this.up(e));
        canvas.addEventListener('pointerleave', () => this.leave());
        canvas.addEventListener('dblclick', () => this.close());
        canvas.addEventListener('contextmenu', e => e.preventDefault());
        canvas.addEventListener('wheel', e => this.wheel(e), {passive: false});
    }

    choose(tool) {
        this.cancel();
        this.tool = tool;
        this.view.canvas.dataset.tool = tool;
        this.view.draw();
    }

    /** The color and number of what is painted; null: nothing. */
    setClass(number, color) {
        this.class = number;
        this.color = color;
        this.view.draw();
    }

    setRadius(radius) {
        this.radius = Math.min(512, Math.max(.5, radius));
        this.resized(this.radius);
        this.view.draw();
    }

    // ---- pointers ----

    down(event) {
        const {view} = this;
        if (!view.image)
            return;
        view.canvas.focus({preventScroll: true});
        view.cross = null;
        view.canvas.setPointerCapture(event.pointerId);
        const [x, y] = view.place(event);
        this.pointers.set(event.pointerId, {x, y});
        this.at = [x, y];
        if (event.pointerType === 'touch' && this.pointers.size === 2) {
            this.takeBack(); // it was to be a pinch
            view.draw();
            return;
        }
        if (this.pointers.size > 1)
            return;
        if (event.button === 1 || this.tool === 'pan' || this.spaceDrag) {
            this.panning = event.pointerId;
            view.canvas.classList.add('grabbing');
            event.preventDefault();
        } else if (event.button === 0) {
            this.press(...view.toImage(x, y));
        }
    }

    moveTo(event) {
        const {view} = this;
        if (!view.image)
            return;
        const [x, y] = view.place(event);
        const was = this.pointers.get(event.pointerId);
        this.at = [x, y];
        if (was && this.pointers.size === 2 && event.pointerType === 'touch') {
            this.pinch(event.pointerId, was, x, y);
        } else if (was && this.panning === event.pointerId) {
            view.move(x - was.x, y - was.y);
        } else if (was && this.now) {
            const all = event.getCoalescedEvents?.() ?? [];
            for (const e of all.length ? all : [event])
                this.drag(...view.toImage(...view.place(e)));
        }
        if (was)
            Object.assign(was, {x, y});
        this.hover(...view.toImage(x, y));
        view.draw();
    }

    pinch(id, was, x, y) {
        const other = [...this.pointers].find(([i]) => i !== id)?.[1];
        if (!other)
            return;
        const before = Math.hypot(was.x - other.x, was.y - other.y), after = Math.hypot(x - other.x, y - other.y);
        this.view.move((x - was.x) / 2, (y - was.y) / 2);
        if (before > 8 && after > 8)
            this.view.zoom(after / before, (x + other.x) / 2, (y + other.y) / 2);
    }

    up(event) {
        this.pointers.delete(event.pointerId);
        if (this.panning === event.pointerId) {
            this.panning = null;
            this.view.canvas.classList.remove('grabbing');
        } else if (event.type === 'pointercancel') {
            this.takeBack();
        } else if (!this.pointers.size) {
            this.release();
        }
        if (event.pointerType === 'touch')
            this.at = null;
        this.view.draw();
    }

    leave() {
        if (!this.pointers.size)
            this.at = null;
        this.hover(null);
        this.view.draw();
    }

    wheel(event) {
        event.preventDefault();
        const steps = -event.deltaY * (event.deltaMode ? 33 : 1) || -event.deltaX; // Shift turns the wheel's axis
        if (event.shiftKey)
            this.setRadius(this.radius * Math.exp(Math.sign(steps) * .12));
        else
            this.view.zoom(Math.exp(Math.max(-300, Math.min(300, steps)) * .0022), ...this.view.place(event));
    }

    // ---- what a press, a drag and a release do, of whatever made them ----

    press(x, y) {
        const {tool} = this;
        if (tool === 'fill' || tool === 'object') {
            this.now = {tool, class: this.class, color: this.color, points: [x, y], click: true};
        } else if (tool === 'polygon' || tool === 'region') {
            if (this.now && this.isClosing(x, y))
                return this.close();
            this.now ??= {tool, class: this.class, color: this.color, points: [], corners: true};
            this.now.before = this.now.points.length;
            this.now.points.push(x, y);
            this.now.drawn = 0;
        } else if (tool !== 'pan') {
            this.now = {tool, class: this.class, color: this.color, radius: this.radius, points: [x, y]};
        }
        this.view.draw();
        return undefined;
    }

    drag(x, y) {
        const {now} = this;
        if (now.click)
            return;
        const {points} = now;
        const dx = x - points.at(-2), dy = y - points.at(-1);
        // finer than this nobody sees it
        const least = Math.max(.75 / this.view.scale, now.corners ? 2 / this.view.scale : now.radius / 10);
        if (Math.hypot(dx, dy) < least)
            return;
        points.push(x, y);
        if (now.corners)
            now.drawn++;
        if (points.length >= 2 * POINTS && !now.corners) {
            this.made(now);
            this.now = {...now, points: [x, y]};
        } else if (points.length >= 2 * POINTS) {
            this.close();
        }
    }

    release() {
        const {now} = this;
        if (!now)
            return;
        if (!now.corners) {
            this.now = null;
            this.made(now);
        } else if (now.drawn > 8) {
            this.close(); // drawn in one go, as with a pencil
        }
    }

    /** What the last press began was not meant: a second finger came, or the system took the pointer. */
    takeBack() {
        const {now} = this;
        if (now?.corners && now.before) {
            now.points.length = now.before;
            now.drawn = 0;
        } else {
            this.now = null;
        }
    }

    isClosing(x, y) {
        const {points} = this.now;
        return points.length >= 6 && Math.hypot(x - points[0], y - points[1]) * this.view.scale < 9 * this.view.ratio;
    }

    close() {
        const {now} = this;
        if (!now?.corners)
            return;
        this.now = null;
        const {points} = now;
        while (points.length >= 4 && points.at(-2) === points.at(-4) && points.at(-1) === points.at(-3))
            points.length -= 2; // a double click put it there twice
        if (points.length >= 6)
            this.made(now);
        this.view.draw();
    }

    /** Leaves what is begun; whether something was. */
    cancel() {
        const was = this.now;
        this.now = null;
        this.penDown = false;
        this.view.draw();
        return !!was;
    }

    back() {
        if (!this.now?.corners)
            return;
        this.now.points.length -= 2;
        if (!this.now.points.length)
            this.now = null;
        this.view.draw();
    }

    // ---- keys ----

    /** Arrows: moves the cross; with the tool down it draws. */
    step(dx, dy, fine) {
        const {view} = this;
        const seen = view.seen();
        if (!seen)
            return;
        view.cross ??= [seen[0] + seen[2] / 2, seen[1] + seen[3] / 2].map(v => Math.floor(v) + .5);
        const by = fine ? 1 : Math.max(1, Math.round(12 * view.ratio / view.scale));
        const {image} = view;
        const x = view.cross[0] = Math.min(image.width - .5, Math.max(.5, view.cross[0] + dx * by));
        const y = view.cross[1] = Math.min(image.height - .5, Math.max(.5, view.cross[1] + dy * by));
        const sx = x * view.scale + view.left, sy = y * view.scale + view.top, edge = 24;
        view.move(Math.min(0, view.canvas.width - edge - sx) + Math.max(0, edge - sx),
            Math.min(0, view.canvas.height - edge - sy) + Math.max(0, edge - sy));
        if (this.penDown && this.now)
            this.drag(x, y);
        this.hover(x, y);
        view.draw();
    }

    /** Space: the tool goes down where the cross is, or up. */
    pen() {
        const {view} = this;
        if (!view.cross)
            return this.step(0, 0);
        if (this.penDown) {
            this.penDown = false;
            this.release();
        } else {
            this.press(...view.cross);
            if (this.now?.click)
                this.release();
            this.penDown = !!this.now && !this.now.corners;
        }
        view.draw();
        return undefined;
    }

    // ---- above the picture ----

    drawn(context) {
        const {view, now} = this;
        if (now)
            this.shape(context, now);
        const at = view.cross ? [view.cross[0] * view.scale + view.left, view.cross[1] * view.scale + view.top] : this.at;
        if (!at)
            return;
        const round = this.tool === 'brush' || this.tool === 'erase';
        context.lineWidth = view.ratio;
        for (const [color, more] of [['rgba(0,0,0,.75)', 1], ['rgba(255,255,255,.95)', 0]]) {
            context.strokeStyle = color;
            context.beginPath();
            if (round)
                context.arc(...at, this.radius * view.scale + more, 0, 2 * Math.PI);
            if (view.cross || !round) {
                const arm = 9 * view.ratio;
                context.moveTo(at[0] - arm, at[1] + more);
                context.lineTo(at[0] + arm, at[1] + more);
                context.moveTo(at[0] + more, at[1] - arm);
                context.lineTo(at[0] + more, at[1] + arm);
            }
            context.stroke();
        }
    }

    shape(context, now) {
        const {view} = this;
        if (now.click)
            return;
        context.save();
        context.setTransform(view.scale, 0, 0, view.scale, view.left, view.top);
        if (!now.corners) {
            context.globalAlpha = now.tool === 'erase' ? .5 : Math.max(.4, view.settings['labels-opacity']);
            trace(context, now.tool === 'erase' ? {...now, tool: 'brush', color: '#888'} : now);
        } else {
            context.beginPath();
            for (let i = 0; i < now.points.length; i += 2)
                context.lineTo(now.points[i], now.points[i + 1]);
            if (this.at && this.panning == null)
                context.lineTo(...view.toImage(...this.at));
            else if (view.cross)
                context.lineTo(...view.cross);
            context.globalAlpha = .25;
            context.fillStyle = now.tool === 'region' ? '#fff' : now.color;
            context.fill('evenodd');
            context.globalAlpha = 1;
            context.lineWidth = 2 * view.ratio / view.scale;
            context.strokeStyle = now.tool === 'region' ? '#fff' : now.color;
            context.setLineDash([6 * view.ratio / view.scale, 4 * view.ratio / view.scale]);
            context.stroke();
        }
        context.restore();
    }
}
