import * as React from "react";
import {Code, List, Section, Text} from "./parts";
import type {Finding, Level, Record} from "./record";

const words: {[level in Level]: string} = {deny: "Denied", undetermined: "No answer", warn: "Warning", info: "Note"};
const colours: {[level in Level]: string} = {deny: "denied", undetermined: "unanswered", warn: "unanswered", info: "unknown"};

// Findings are what was found, the worst first.
export function Findings({of}: {of: Record}) {
    const loud = of.findings.filter((finding) => finding.level !== "info");
    const notes = of.findings.filter((finding) => finding.level === "info");
    return (
        <Section title="Findings" empty={of.findings.length === 0 && "Nothing was found."}>
            {loud.length === 0 && <p className="assay-quiet">Nothing but notes.</p>}
            <List of={loud} each={(finding) => <One of={finding} />} />
            {notes.length > 0 && (
                <details>
                    <summary>Notes ({notes.length})</summary>
                    <List of={notes} each={(finding) => <One of={finding} />} />
                </details>
            )}
        </Section>
    );
}

function One({of}: {of: Finding}) {
    return (
        <div className={`assay-box is-${of.level}`} data-level={of.level}>
            <div>
                <span className={`assay-level assay-${colours[of.level]}`}>{of.waiver ? "Waived" : of.audited ? "Would deny" : words[of.level]}</span>
                <Code>{of.rule}</Code>
            </div>
            <p>
                <Text>{of.message}</Text>
            </p>
            {(of.object || of.image) && (
                <p className="assay-quiet">
                    <Code>{[of.object || of.image, of.field].filter(Boolean).join("  ")}</Code>
                </p>
            )}
        </div>
    );
}
