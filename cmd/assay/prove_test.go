package main

// hydratedApplication is an Application whose branch nobody fetched.
const hydratedApplication = `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  project: team-a
  destination: {server: "https://kubernetes.default.svc", namespace: shop}
  sourceHydrator:
    drySource: {repoURL: "https://git.example.com/team-a/shop.git", path: apps/shop, targetRevision: main, plugin: {name: assay}}
    syncSource: {targetBranch: environments/prod, path: apps/shop}
`
