// What the extension reads of an Application. Argo CD hands on the object as
// the API server has it.
export interface Application {
    kind?: string;
    apiVersion?: string;
    metadata: {name: string; namespace?: string};
    spec: {project?: string};
    status?: {reconciledAt?: string; sync?: {revision?: string; revisions?: string[]}};
}

// Subject is the Application that is asked about, and what Argo CD compares now.
export interface Subject {
    name: string;
    namespace: string;
    project: string;
    // revisions are those that Argo CD compares with the cluster; none when it
    // does not say.
    revisions: string[];
    // seen changes whenever Argo CD has looked at the Application again.
    seen: string;
}

// subjectOf is the Application that a tab or panel is about. In the tree of an
// app of apps, Argo CD hands on the parent beside the Application that was
// chosen: the verdict is the chosen one's.
export function subjectOf(application: Application, resource?: unknown): Subject {
    const chosen = isApplication(resource) ? resource : application;
    const sync = chosen.status?.sync;
    const revisions = sync?.revisions?.length ? sync.revisions : sync?.revision ? [sync.revision] : [];
    return {
        name: chosen.metadata.name,
        namespace: chosen.metadata.namespace ?? "",
        project: chosen.spec.project || "default",
        revisions,
        seen: [chosen.status?.reconciledAt ?? "", ...revisions].join(" "),
    };
}

function isApplication(value: unknown): value is Application {
    const object = value as Application | undefined;
    return object?.kind === "Application" && (object.apiVersion ?? "").startsWith("argoproj.io/") && typeof object.metadata?.name === "string" && typeof object.spec === "object";
}

// isOther reports whether a record is of another revision than Argo CD compares
// now.
export function isOther(subject: Subject, record: {revision: string}): boolean {
    return record.revision !== "" && subject.revisions.length > 0 && !subject.revisions.includes(record.revision);
}
