// Records that the tests show.
import {readFileSync} from "node:fs";
import {join} from "node:path";
import assert from "node:assert/strict";
import {readAnswer, type Answer} from "../src/record";

// raw is an answer of the store, of ui/testdata.
export function raw(name: string): any {
    return JSON.parse(readFileSync(join(process.env["ASSAY_UI_TESTDATA"] ?? "testdata", `${name}.json`), "utf8"));
}

// answer is the same, read.
export function answer(name: string, change: (value: any) => void = () => {}): Answer {
    const value = raw(name);
    change(value);
    const asked = readAnswer(value);
    assert.ok("answer" in asked, JSON.stringify(asked));
    return asked.answer;
}
