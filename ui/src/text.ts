// Texts of a record come from repositories and registries: from whoever wants
// to deploy. They are shown as text nodes alone, and what would make them read
// as something else is made visible.

// unseen are control characters, and those that turn, join or hide what is
// around them.
// eslint-disable-next-line no-control-regex
const unseen = /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e0fff}]/gu;

// visible writes characters that cannot be seen as their number.
export function visible(text: string): string {
    return text.replace(unseen, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

// longest is how many characters of one text are shown; a record may hold more.
const longest = 2000;

// shown is a text as it is put on the page.
export function shown(text: string): string {
    const clean = visible(text);
    return clean.length > longest ? `${clean.slice(0, longest)}… (${clean.length - longest} more characters)` : clean;
}

// short is a digest or a revision, cut to what a person compares; what is
// neither stays as it is.
export function short(text: string): string {
    const hex = /^(sha256:|sha512:|sha1:)?([0-9a-f]{40,128})$/.exec(text);
    return hex ? `${hex[1] ?? ""}${(hex[2] ?? "").slice(0, 12)}` : shown(text);
}

// count is a number with its noun: "1 image", "3 images".
export function count(n: number, one: string, many = `${one}s`): string {
    return `${n} ${n === 1 ? one : many}`;
}
