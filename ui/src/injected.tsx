import * as React from "react";
import {Code, List, Section, Text} from "./parts";
import type {Injection, Record} from "./record";
import {count} from "./text";

const kinds: {[change: string]: [one: string, many: string]} = {
    pinned: ["digest pinned", "digests pinned"],
    "filled-in": ["setting filled in", "settings filled in"],
    mutated: ["field changed by the platform's policies", "fields changed by the platform's policies"],
};

// Injected is what stands in the manifests that their author did not write, by
// object.
export function Injected({of}: {of: Record}) {
    const total = of.injected.reduce((sum, each) => sum + each.count, 0);
    return (
        <Section title="What was injected" empty={of.injected.length === 0 && (of.sealed ? "Nothing: what the author wrote was judged as it is." : "Not known: the run did not come so far.")}>
            <p>{[...sums(of.injected)].map(([change, n]) => count(n, ...named(change))).join(", ")}.</p>
            <details>
                <summary>By object ({count(total, "change")})</summary>
                <List of={of.injected} each={(each) => <One of={each} />} />
            </details>
        </Section>
    );
}

function One({of}: {of: Injection}) {
    return (
        <p>
            <Code>{of.object}</Code>: {of.count} {named(of.change)[of.count === 1 ? 0 : 1]}
            {of.rule && (
                <span className="assay-quiet">
                    {" by "}
                    <Text>{of.rule}</Text>
                </span>
            )}
        </p>
    );
}

function named(change: string): [string, string] {
    return kinds[change] ?? ["other change", "other changes"];
}

function sums(of: Injection[]): Map<string, number> {
    const by = new Map<string, number>();
    for (const each of of) {
        by.set(each.change, (by.get(each.change) ?? 0) + each.count);
    }
    return by;
}
