import * as React from "react";
import {Code, Facts, List, Section, Text} from "./parts";
import type {Record, Waiver} from "./record";
import {count} from "./text";
import {daysLeft} from "./time";

// Waivers are the exceptions without which this would have been denied, and
// their last day.
export function Waivers({of, now}: {of: Record; now: Date}) {
    return (
        <Section title="Waivers" empty={of.waivers.length === 0 && "None was used."}>
            <List of={of.waivers} each={(waiver) => <One of={waiver} now={now} />} />
        </Section>
    );
}

// soon is how many days before its end a waiver is told in colour.
const soon = 14;

function One({of, now}: {of: Waiver; now: Date}) {
    const left = daysLeft(of.until, now);
    const ends = left !== undefined && left <= soon;
    return (
        <div className={`assay-box ${left !== undefined && left < 0 ? "is-deny" : ends ? "is-warn" : ""}`} data-waiver="">
            <div>
                <Code>{of.rule}</Code> <span className="assay-quiet">{of.kind === "waiver" ? "" : <Text>{of.kind}</Text>}</span>
            </div>
            <p>
                <Text>{of.reason}</Text>
            </p>
            <Facts
                of={[
                    ["Last day", of.until ? `${of.until} (UTC)${ends ? `, ${remains(left)}` : ""}` : "nothing ends it"],
                    ["For", <Code>{of.subject}</Code>],
                    ["Owner", of.owner && <Text>{of.owner}</Text>],
                    ["Approved by", of.approver && <Text>{of.approver}</Text>],
                    ["Id", <Code>{of.id}</Code>],
                ]}
            />
        </div>
    );
}

function remains(left: number): string {
    if (left < 0) {
        return "which has passed: the next time this is judged, it is denied";
    }
    return left === 0 ? "today" : `${count(left, "day")} from now`;
}
