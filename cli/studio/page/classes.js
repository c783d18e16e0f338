// SPDX-License-Identifier: Apache-2.0
// classes.js - the list of classes: names, colors, and which one is painted

const COLORS = ['#4c78a8', '#f58518', '#54a24b', '#e45756', '#b279a2', '#eeca3b', '#72b7b2', '#ff9da6', '#9d755d'];
const MOST = 254;

export class ClassList {
    /** quick: beside the tools, where the list is not in sight.  chosen(number); changed(classes): the person
     *  wants this list. */
    constructor(list, quick, add, {chosen, changed}) {
        Object.assign(this, {list, quick, chosen, changed, classes: [], current: 1});
        add.addEventListener('click', () => {
            const number = this.classes.length;
            if (number < MOST)
                this.change([...this.classes, {name: `class ${number}`, color: COLORS[number % COLORS.length]}]);
        });
        for (const box of [list, quick])
            box.addEventListener('keydown', e => this.key(e, box));
    }

    fill(classes) {
        // while a name is typed the list stays as it is; what is typed is sent, and comes back
        if (this.list.contains(document.activeElement) && document.activeElement.type === 'text' &&
            classes.length === this.classes.length) {
            this.classes = classes;
            return;
        }
        this.classes = classes;
        this.current = Math.min(this.current, classes.length - 1);
        this.list.replaceChildren(...classes.map((c, k) => this.row(c, k)));
        this.quick.replaceChildren(...classes.map((c, k) => this.pick(c, k)));
        this.choose(this.current);
    }

    pick({name, color}, number) {
        const pick = document.createElement('button');
        pick.type = 'button';
        pick.className = 'pick';
        pick.setAttribute('role', 'radio');
        pick.textContent = number + 1 < 10 ? number + 1 : '';
        pick.setAttribute('aria-label', `paint ${name}`);
        pick.title = number + 1 < 10 ? `Paint ${name} (${number + 1})` : `Paint ${name}`;
        pick.style.background = color;
        pick.style.color = ink(color);
        pick.addEventListener('click', () => this.choose(number));
        return pick;
    }

    row({name, color}, number) {
        const row = document.createElement('li');
        const shade = document.createElement('input');
        const text = document.createElement('input');
        shade.type = 'color';
        shade.value = color;
        shade.setAttribute('aria-label', `color of ${name}`);
        shade.addEventListener('change', () => this.edit(number, {color: shade.value}));
        text.type = 'text';
        text.value = name;
        text.maxLength = 60;
        text.spellcheck = false;
        text.setAttribute('aria-label', `name of class ${number}`);
        text.addEventListener('focus', () => this.choose(number));
        text.addEventListener('change', () => this.edit(number, {name: text.value.trim() || name}));
        text.addEventListener('keydown', e => {
            if (e.key === 'Enter')
                text.blur();
            e.stopPropagation();
        });
        row.append(this.pick({name, color}, number), text, shade);
        if (number === this.classes.length - 1 && number > 1) {
            const remove = document.createElement('button');
            remove.type = 'button';
            remove.className = 'remove';
            remove.textContent = '\u00d7';
            remove.title = `Remove ${name}`;
            remove.setAttribute('aria-label', `remove ${name}`);
            remove.addEventListener('click', () => this.change(this.classes.slice(0, -1)));
            row.append(remove);
        }
        return row;
    }

    edit(number, what) {
        this.change(this.classes.map((c, k) => k === number ? {...c, ...what} : c));
    }

    change(classes) {
        this.changed(classes.map(({name, color}) => ({name, color})));
    }

    choose(number) {
        if (number < 0 || number >= this.classes.length)
            return;
        this.current = number;
        for (const box of [this.list, this.quick])
            box.querySelectorAll('.pick').forEach((pick, k) => {
                pick.setAttribute('aria-checked', String(k === number));
                pick.tabIndex = k === number ? 0 : -1;
            });
        [...this.list.children].forEach((row, k) => row.classList.toggle('current', k === number));
        this.chosen(number, this.classes[number]);
    }

    key(event, box) {
        const by = {ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1}[event.key];
        if (!by || !event.target.classList.contains('pick'))
            return;
        event.preventDefault();
        event.stopPropagation();
        this.choose((this.current + by + this.classes.length) % this.classes.length);
        box.querySelectorAll('.pick')[this.current].focus();
    }
}

/** Black or white, whichever is read better on the color (WCAG's relative luminance). */
function ink(color) {
    const part = i => {
        const v = parseInt(color.slice(i, i + 2), 16) / 255;
        return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    };
    return .2126 * part(1) + .7152 * part(3) + .0722 * part(5) > .18 ? '#000' : '#fff';
}
