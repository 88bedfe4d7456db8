// Readers of JSON values, which throw an error that names the field.
export type Fields = {[name: string]: unknown};

// absent lets a field be left out.
export const absent = "absent";
type Absent = typeof absent;

function has(from: Fields, name: string, may?: Absent): boolean {
    const there = Object.prototype.hasOwnProperty.call(from, name) && from[name] !== undefined;
    if (!there && may !== absent) {
        throw new Error(`${name} is missing`);
    }
    return there;
}

export function object(value: unknown, name: string): Fields {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
        throw new Error(`${name} is no object`);
    }
    return value as Fields;
}

export function text(from: Fields, name: string, may?: Absent): string {
    const value = has(from, name, may) ? from[name] : "";
    if (typeof value !== "string") {
        throw new Error(`${name} is no text`);
    }
    return value;
}

export function number(from: Fields, name: string, may?: Absent): number {
    const value = has(from, name, may) ? from[name] : 0;
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
        throw new Error(`${name} is no count`);
    }
    return value;
}

export function bool(from: Fields, name: string): boolean {
    const value = has(from, name, absent) ? from[name] : false;
    if (typeof value !== "boolean") {
        throw new Error(`${name} is neither true nor false`);
    }
    return value;
}

export function instant(from: Fields, name: string): Date {
    const value = text(from, name);
    const time = new Date(value);
    if (!/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(value) || Number.isNaN(time.getTime())) {
        throw new Error(`${name} is no time in UTC`);
    }
    return time;
}

// oneOf is what stands for one of the known names.
export function oneOf<T>(from: Fields, name: string, known: {[name: string]: T}): T {
    const value = text(from, name);
    if (!Object.prototype.hasOwnProperty.call(known, value)) {
        throw new Error(`${name} is ${JSON.stringify(value.slice(0, 40))}, none of ${Object.keys(known).join(", ")}`);
    }
    return known[value] as T;
}

// list reads the items of an array: as objects, or as texts by the second
// argument.
export function list<T>(from: Fields, name: string, each: (fields: Fields, word: string) => T, may?: Absent): T[] {
    const value = has(from, name, may) ? from[name] : [];
    if (!Array.isArray(value)) {
        throw new Error(`${name} is no list`);
    }
    return value.map((item, index) => {
        try {
            return each.length > 1 ? each({}, text({item}, "item")) : each(object(item, "the entry"), "");
        } catch (error) {
            throw new Error(`${name}[${index}]: ${error instanceof Error ? error.message : ""}`);
        }
    });
}
