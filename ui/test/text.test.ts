import assert from "node:assert/strict";
import {test} from "node:test";
import {commitLink, linkTo} from "../src/link";
import {count, short, shown} from "../src/text";
import {age, daysLeft} from "../src/time";

test("characters that turn or hide text are written as numbers", () => {
    assert.equal(shown("ghcr.io/\u202ekcatta\u2069"), "ghcr.io/\\u{202e}kcatta\\u{2069}");
    assert.equal(shown("a\u0000b\nc\u200bd\u{e0041}"), "a\\u{0}b\\u{a}c\\u{200b}d\\u{e0041}");
    assert.equal(shown("müller/日本 🚀"), "müller/日本 🚀");
});

test("a text of any length is shown in part, and how much is left out", () => {
    const long = shown("x".repeat(5000));
    assert.ok(long.length < 2100);
    assert.match(long, /3000 more characters/);
});

test("digests and revisions are cut, other texts are not", () => {
    assert.equal(short("sha256:" + "a".repeat(64)), "sha256:aaaaaaaaaaaa");
    assert.equal(short("b".repeat(40)), "bbbbbbbbbbbb");
    assert.equal(short("v1.2.3"), "v1.2.3");
    assert.equal(short("sha256:" + "a".repeat(64) + " and more"), "sha256:" + "a".repeat(64) + " and more");
});

test("only http and https are links, and their host is what the browser would ask", () => {
    assert.deepEqual(linkTo("https://github.com/team-a/shop"), {href: "https://github.com/team-a/shop", host: "github.com"});
    assert.equal(linkTo("http://git.example.com:8080/x")?.host, "git.example.com:8080");
    assert.equal(linkTo("https://g\u0456thub.com/x")?.host, "xn--gthub-n2e.com", "a host of other letters reads as what it is");
    for (const bad of [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", " https://github.com", "https://github.com\\@evil.example.com", "https://github.com@evil.example.com/", "https://user:pass@github.com/",
        "data:text/html,x", "vbscript:x", "//evil.example.com", "https:evil.example.com", "https://", "https:///x", "java\nscript:alert(1)", "https://a b", "file:///etc/passwd", "blob:https://x/y", "ftp://x/y", "",
    ]) {
        assert.equal(linkTo(bad), undefined, JSON.stringify(bad));
    }
});

test("a commit is linked where it is known how", () => {
    const commit = "8f2c1d7a4b6e9035c1d2e3f4a5b6c7d8e9f00112";
    assert.equal(commitLink("https://github.com/team-a/shop.git", commit)?.href, `https://github.com/team-a/shop/commit/${commit}`);
    assert.equal(commitLink("https://gitlab.com/team-a/shop", commit)?.href, `https://gitlab.com/team-a/shop/-/commit/${commit}`);
    assert.equal(commitLink("https://git.example.com/team-a/shop", commit)?.href, "https://git.example.com/team-a/shop");
    assert.equal(commitLink("https://github.com/team-a/shop", "../../evil")?.href, "https://github.com/team-a/shop");
    assert.equal(commitLink("git@github.com:team-a/shop.git", commit), undefined);
});

test("age is told in the largest unit that fits, and a wrong clock is", () => {
    const now = new Date("2026-03-14T12:00:00Z");
    const ago = (seconds: number) => age(new Date(now.getTime() - seconds * 1000), now);
    assert.deepEqual([ago(3), ago(60), ago(3599), ago(7200), ago(47 * 3600), ago(49 * 3600)], ["less than a minute ago", "1 minute ago", "59 minutes ago", "2 hours ago", "47 hours ago", "2 days ago"]);
    assert.equal(ago(-30), "less than a minute ago");
    assert.match(ago(-120), /in the future/);
});

test("a waiver's last day counts whole, in UTC", () => {
    assert.equal(daysLeft("2026-03-14", new Date("2026-03-14T23:59:59Z")), 0);
    assert.equal(daysLeft("2026-03-14", new Date("2026-03-15T00:00:00Z")), -1);
    assert.equal(daysLeft("2026-03-20", new Date("2026-03-14T00:00:00Z")), 6);
    assert.equal(daysLeft("", new Date()), undefined);
});

test("one is one", () => {
    assert.deepEqual([count(0, "image"), count(1, "image"), count(2, "entry", "entries")], ["0 images", "1 image", "2 entries"]);
});
