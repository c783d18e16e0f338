// SPDX-License-Identifier: Apache-2.0
// images.js - the list of images, with small pictures that are asked for when they come into sight

import {bitmap} from './api.js';

export class ImageList {
    constructor(list, search, open) {
        Object.assign(this, {list, open, items: new Map()});
        this.watcher = new IntersectionObserver(seen => this.see(seen), {root: list.parentElement, rootMargin: '200px'});
        search.addEventListener('input', () => this.filter(search.value.trim().toLowerCase()));
    }

    fill(images) {
        this.watcher.disconnect();
        this.items.clear();
        const rows = images.map(image => {
            const row = document.createElement('li');
            const button = document.createElement('button');
            const picture = document.createElement('canvas');
            const name = document.createElement('span');
            const note = document.createElement('span');
            button.type = 'button';
            button.title = image.name;
            picture.width = picture.height = 1;
            picture.setAttribute('aria-hidden', 'true');
            name.className = 'name';
            name.textContent = image.name;
            note.className = 'note';
            button.append(picture, name, note);
            button.addEventListener('click', () => this.open(image.id));
            row.append(button);
            this.items.set(image.id, {image, row, button, picture, note});
            row.dataset.id = image.id;
            this.watcher.observe(row);
            this.tell(image);
            return row;
        });
        this.list.replaceChildren(...rows);
    }

    /** Says anew how far an image is. */
    tell(image) {
        const item = this.items.get(image.id);
        if (!item)
            return;
        item.image = image;
        const share = image.painted / (image.width * image.height);
        const percent = share >= .1 ? Math.round(100 * share) : share > 0 ? Math.max(.1, Math.round(1000 * share) / 10) : 0;
        item.note.textContent = image.missing ? 'its file is gone' : image.painted ? `${percent} % painted` : '';
        item.button.classList.toggle('painted', image.painted > 0);
        item.button.disabled = image.missing;
    }

    current(id) {
        for (const [number, {button}] of this.items)
            if (number === id)
                button.setAttribute('aria-current', 'true');
            else
                button.removeAttribute('aria-current');
        this.items.get(id)?.row.scrollIntoView({block: 'nearest', inline: 'nearest'});
    }

    filter(text) {
        for (const {row, image} of this.items.values())
            row.hidden = !!text && !image.name.toLowerCase().includes(text);
    }

    async see(seen) {
        for (const {target, isIntersecting} of seen) {
            const item = this.items.get(Number(target.dataset.id));
            if (!isIntersecting || !item || item.asked || item.image.missing)
                continue;
            item.asked = true;
            this.watcher.unobserve(target);
            try {
                const picture = await bitmap(`/api/images/${item.image.id}/thumb`, {keep: true});
                item.picture.width = picture.width;
                item.picture.height = picture.height;
                item.picture.getContext('2d').drawImage(picture, 0, 0);
                picture.close();
            } catch {
                item.asked = false;
                setTimeout(() => this.watcher.observe(target), 2000);
            }
        }
    }
}
