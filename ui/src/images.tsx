import * as React from "react";
import {commitLink} from "./link";
import {Address, Code, Digest, Facts, List, Section, Text} from "./parts";
import type {Evidence, Image, Record} from "./record";
import {utc} from "./time";

// Images are what would run, and who vouches for each.
export function Images({of}: {of: Record}) {
    const empty = of.counts.images > 0 ? "The images are not in this record." : "No images were found in what was rendered.";
    return (
        <Section title={`Images (${of.counts.images})`} empty={of.images.length === 0 && empty}>
            <List of={of.images} each={(image) => <One of={image} />} first={30} />
        </Section>
    );
}

const from: {[source: string]: string} = {written: "written in the manifests", registry: "asked of the registry", lock: "from images.lock.yaml", stale: "from an earlier answer, as the registry gave none"};

function One({of}: {of: Image}) {
    return (
        <div className={`assay-box ${of.evidence.length > 0 ? "is-allowed" : ""}`} data-image="">
            <h4>
                {of.chart && "Chart "}
                <Code>{of.written}</Code>
            </h4>
            <Facts
                of={[
                    ["Digest", of.digest ? <><Digest>{of.digest}</Digest> <span className="assay-quiet">{from[of.digestFrom] ?? <Text>{of.digestFrom}</Text>}</span></> : "not known: there was no answer"],
                    ["Tag is now", of.registryDigest && of.registryDigest !== of.digest && <><Digest>{of.registryDigest}</Digest>: it has moved since it was locked</>],
                    ["Platforms", of.platforms.length > 0 && <Text>{of.platforms.join(", ")}</Text>],
                ]}
            />
            {of.evidence.length === 0 ? (
                <p className="assay-unanswered">
                    {of.digest ? "No evidence that the gate accepts. The findings say whether there is none or whether there was no answer." : "Who vouches for it could not be looked at, as its digest is not known."}
                </p>
            ) : (
                <List of={of.evidence} each={(evidence) => <Vouched by={evidence} />} first={10} />
            )}
        </div>
    );
}

const kinds: {[kind: string]: string} = {signature: "Signed", attestation: "Attested", static: "Accepted by the gate as it is"};

function Vouched({by}: {by: Evidence}) {
    return (
        <Facts
            of={[
                [kinds[by.kind] ?? "Vouched", <>by trust rule <Code>{by.authority ? `${by.policy}/${by.authority}` : by.policy}</Code> of gate <Code>{by.gate}</Code></>],
                ["Signer", by.signer && <Address text={by.signer} />],
                ["Issuer", by.issuer && <Address text={by.issuer} />],
                ["Statement", by.predicateType && <Code>{by.predicateType}</Code>],
                ["Source", (by.sourceRepository || by.sourceRevision) && <Source of={by} />],
                ["Builder", by.builder && <><Address text={by.builder} />{by.buildLevel > 0 && ` (SLSA build level ${by.buildLevel})`}</>],
                ["Run", by.runURI && <Address text={by.runURI} />],
                ["Signed at", by.signed && utc(by.signed)],
                ["Trust root", by.trustRoot && <Code>{by.trustRoot}</Code>],
            ]}
        />
    );
}

function Source({of}: {of: Evidence}) {
    return (
        <>
            {of.sourceRepository && <Address text={of.sourceRepository} />}
            {of.sourceRevision && (
                <>
                    {" at "}
                    <Address text={of.sourceRevision} link={commitLink(of.sourceRepository, of.sourceRevision)} />
                </>
            )}
            {of.sourceRef && (
                <span className="assay-quiet">
                    {" "}
                    <Code>{of.sourceRef}</Code>
                </span>
            )}
        </>
    );
}
