package controlplane

import "context"

// MainWith is [Main] for tests of a program of this repository beside a control
// plane: it builds the program, such as "cmd/assay", starts the control plane,
// and has start bring up the rest.
func MainWith(tests Tests, program string, start func(ctx context.Context, cluster *Cluster, built string) error) int {
	return Main(tests, func(ctx context.Context, dir string) (stop func(), err error) {
		built, err := Build(ctx, program, dir)
		if err != nil {
			return nil, err
		}
		cluster, err := Start(ctx, dir)
		if cluster != nil {
			stop = cluster.Stop
		}
		if err != nil {
			return stop, err
		}
		return stop, start(ctx, cluster, built)
	})
}
