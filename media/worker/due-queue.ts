/** What waits in a {@link DueQueue}. */
export interface Due {
  /** Kept by the queue: where it waits, −1 while it does not. Of one queue only. */
  duePlace: number;
}

/**
 * What is due at which time, soonest first: a binary heap. Putting something off or taking it out costs the logarithm of
 * how many wait, asking for the next one nothing, and none of it leaves garbage behind.
 */
export class DueQueue<T extends Due> {
  readonly #waiting: T[] = [];
  /** By place, beside the above. */
  #dueMs = new Float64Array(16);

  get size(): number {
    return this.#waiting.length;
  }

  /** What is due next; undefined when nothing waits. */
  get first(): T | undefined {
    return this.#waiting[0];
  }

  /** When that is due; Infinity when nothing waits. */
  get firstDueMs(): number {
    return this.#waiting.length === 0 ? Infinity : this.#dueAt(0);
  }

  /** Puts something in, or changes when it is due. */
  set(item: T, dueMs: number): void {
    let place = item.duePlace;
    if (place < 0) {
      place = this.#waiting.length;
      this.#waiting.push(item);
      item.duePlace = place;
      if (place === this.#dueMs.length) {
        const larger = new Float64Array(2 * place);
        larger.set(this.#dueMs);
        this.#dueMs = larger;
      }
    }
    this.#dueMs[place] = dueMs;
    this.#settle(place);
  }

  /** Takes something out, if it waits. */
  remove(item: T): void {
    const place = item.duePlace;
    if (place < 0) {
      return;
    }
    const last = this.#waiting.length - 1;
    this.#swap(place, last);
    this.#waiting.pop();
    item.duePlace = -1;
    if (place < last) {
      this.#settle(place);
    }
  }

  /** Moves what stands there toward the front or the back until all is in order. */
  #settle(from: number): void {
    let place = from;
    for (let above = (place - 1) >> 1; place > 0; above = (place - 1) >> 1) {
      if (this.#dueAt(above) <= this.#dueAt(place)) {
        break;
      }
      this.#swap(place, above);
      place = above;
    }
    for (let below = this.#soonerBelow(place); below > 0; below = this.#soonerBelow(place)) {
      if (this.#dueAt(place) <= this.#dueAt(below)) {
        break;
      }
      this.#swap(place, below);
      place = below;
    }
  }

  /** The place below that is due sooner than its neighbour; 0 when there is none below. */
  #soonerBelow(place: number): number {
    const left = 2 * place + 1;
    const right = left + 1;
    const { length } = this.#waiting;
    if (left >= length) {
      return 0;
    }
    return right < length && this.#dueAt(right) < this.#dueAt(left) ? right : left;
  }

  #dueAt(place: number): number {
    return this.#dueMs[place] ?? Infinity;
  }

  #swap(a: number, b: number): void {
    const atA = this.#waiting[a];
    const atB = this.#waiting[b];
    if (atA === undefined || atB === undefined) {
      return;
    }
    const dueA = this.#dueAt(a);
    this.#dueMs[a] = this.#dueAt(b);
    this.#dueMs[b] = dueA;
    this.#waiting[a] = atB;
    this.#waiting[b] = atA;
    atA.duePlace = b;
    atB.duePlace = a;
  }
}
