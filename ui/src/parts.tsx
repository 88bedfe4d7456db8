import * as React from "react";
import {linkTo, type Link} from "./link";
import type {Outcome} from "./record";
import {short, shown} from "./text";

// The three answers and the lack of one have a sign, a word and a colour each.
const outcomes: Record<Outcome | "unknown", {sign: string; word: string}> = {
    allowed: {sign: "\u2714", word: "Allowed"},
    denied: {sign: "\u2716", word: "Denied"},
    unanswered: {sign: "?", word: "No answer"},
    unknown: {sign: "\u2013", word: "Not known"},
};

// Mark is an outcome in a line of text.
export function Mark({of}: {of: Outcome | "unknown"}) {
    return (
        <span className={`assay-outcome assay-${of}`} data-outcome={of}>
            <span aria-hidden="true">{outcomes[of].sign}</span>
            {outcomes[of].word}
        </span>
    );
}

// Text is a text that somebody else wrote.
export function Text({children}: {children: string}) {
    return <>{shown(children)}</>;
}

// Code is a name, digest or path that somebody else wrote.
export function Code({children}: {children: string}) {
    return <code>{shown(children)}</code>;
}

// Digest is cut to what a person compares; the whole is its title.
export function Digest({children}: {children: string}) {
    return <code title={shown(children)}>{short(children)}</code>;
}

// Address is a text that is a link where a person may be sent, with the host
// beside it when the text itself does not begin with it.
export function Address({text, link = linkTo(text)}: {text: string; link?: Link | undefined}) {
    if (!link) {
        return <Code>{text}</Code>;
    }
    const says = new RegExp(`^https?://${link.host.replace(/[.[\]]/g, "\\$&")}(/|$)`, "i").test(text);
    return (
        <>
            <a href={link.href} target="_blank" rel="noopener noreferrer">
                {short(text)}
            </a>
            {!says && <span className="assay-quiet"> (on {shown(link.host)})</span>}
        </>
    );
}

// Facts are names and values; a value that is nothing leaves its name out.
export function Facts({of}: {of: [string, React.ReactNode][]}) {
    const known = of.filter(([, value]) => value !== undefined && value !== null && value !== "" && value !== false);
    return (
        <dl>
            {known.map(([name, value]) => (
                <React.Fragment key={name}>
                    <dt>{name}</dt>
                    <dd>{value}</dd>
                </React.Fragment>
            ))}
        </dl>
    );
}

// List shows the first of many, and all when asked to.
export function List<T>({of, each, first = 50}: {of: T[]; each: (item: T, index: number) => React.ReactNode; first?: number}) {
    const [all, setAll] = React.useState(false);
    const rest = of.length - first;
    return (
        <>
            <ul>
                {(all ? of : of.slice(0, first)).map((item, index) => (
                    <li key={index}>{each(item, index)}</li>
                ))}
            </ul>
            {!all && rest > 0 && <button onClick={() => setAll(true)}>Show {rest} more</button>}
        </>
    );
}

// Section is a part of the tab. What is empty is said, never left out.
export function Section({title, empty, children}: {title: string; empty: string | false; children?: React.ReactNode}) {
    return (
        <section>
            <h3>{title}</h3>
            {empty ? <p className="assay-quiet">{empty}</p> : children}
        </section>
    );
}
