// Problem is why there is no record to show, and what to do. None of them is a
// verdict: not knowing is told apart from allowed, denied and no answer.
export interface Problem {
    kind: Kind;
    title: string;
    text: string;
    todo: string;
    // said is what the server said itself.
    said?: string;
}

export type Kind = "no-record" | "not-allowed" | "no-session" | "not-configured" | "not-enabled" | "unreachable" | "refused" | "unreadable" | "no-network";

type Words = Omit<Problem, "kind" | "said">;

const words: Record<Kind, Words> = {
    "no-record": {
        title: "No verdict yet",
        text: "assay has not judged this Application since its store of reports was made, or its source does not name the plugin.",
        todo: "Look whether spec.source.plugin names assay. If it does, press Refresh with Hard: Argo CD may have the manifests in its cache, and then the plugin is not asked.",
    },
    "not-allowed": {
        title: "You may not see this",
        text: "Argo CD refused the request: your role may not read this Application, or may not invoke the extension assay.",
        todo: "Ask who keeps argocd-rbac-cm for: p, <your role>, extensions, invoke, assay, allow",
    },
    "no-session": {
        title: "You are not logged in",
        text: "Argo CD does not know your session, or it has ended.",
        todo: "Log in again.",
    },
    "not-configured": {
        title: "The extension has no backend",
        text: "Argo CD serves this page but knows no extension of the name assay, so it cannot ask for the verdict.",
        todo: "Add extension.config.assay to argocd-cm, as manifests/argocd/extension does.",
    },
    "not-enabled": {
        title: "Proxy extensions are off",
        text: "Argo CD answered with something else than a record.",
        todo: "Set server.enable.proxy.extension to \"true\" in argocd-cmd-params-cm and restart argocd-server. Behind a proxy of your own, look whether it passes /extensions/ on.",
    },
    unreachable: {
        title: "The store of reports does not answer",
        text: "Argo CD could not reach assay's store. What the last verdict was is not known here; it is no denial.",
        todo: "Look whether the sidecar runs with --reports, and whether the Service assay-reports and the NetworkPolicy let argocd-server reach it.",
    },
    refused: {
        title: "The store of reports refused Argo CD",
        text: "assay's store did not accept the token that argocd-server sends.",
        todo: "Compare token and authorization in the Secret assay-extension: the latter is \"Bearer <token>\". argocd-server takes up a new one when it is restarted.",
    },
    unreadable: {
        title: "The answer cannot be read",
        text: "What the store answered is no record that this version of the extension knows.",
        todo: "Use the extension and the sidecar of one version of assay, and reload the page.",
    },
    "no-network": {
        title: "Argo CD does not answer",
        text: "The browser could not reach Argo CD, or the answer did not come in time.",
        todo: "Press Ask again.",
    },
};

// problem is one of the kinds, with what the server said.
export function problem(kind: Kind, said?: string): Problem {
    const text = said?.trim();
    return text ? {kind, ...words[kind], said: text} : {kind, ...words[kind]};
}
