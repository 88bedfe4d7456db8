package refresh

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordination "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// Lease is the lock by which one process of several asks: the rate is that of all
// of them together.
type Lease struct {
	// Config is the API server.
	Config *rest.Config
	// Namespace is where the lease lies, and Identity the name of this process.
	Namespace, Identity string
	// Leading hears when this process begins and ends to be the one.
	Leading func(bool)
	Log     *slog.Logger
}

// LeaseName is the name of the lease.
const LeaseName = "assay-refresh"

// The times of the lease: one that holds it and dies is followed after the first;
// one that cannot renew it for the second stops to ask.
const (
	leaseTime   = 15 * time.Second
	renewTime   = 10 * time.Second
	retryPeriod = 2 * time.Second
)

// errLost says that another process may ask now.
var errLost = errors.New("the lease was lost, as it could not be renewed in time: another process may ask now")

// Hold runs work while this process holds the lease, and gives it back when the
// work has ended. The work's context ends when the lease is lost, which is an error.
func (l Lease) Hold(ctx context.Context, work func(context.Context) error) error {
	begun, ended := make(chan struct{}), make(chan struct{})
	elector, err := l.elector(begun)
	if err != nil {
		return fmt.Errorf("setting up the lease: %w", err)
	}
	// The lease outlives the context: it is held until the work has ended.
	holding, release := context.WithCancel(logr.NewContextWithSlogLogger(context.WithoutCancel(ctx), l.Log))
	defer func() { release(); <-ended }()
	go func() {
		defer close(ended)
		elector.Run(holding)
	}()
	select {
	case <-begun:
	case <-ctx.Done():
		return nil // told to end before its turn came
	}
	working, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		select {
		case <-ended:
			stop(errLost)
		case <-working.Done():
		}
	}()
	l.Leading(true)
	defer l.Leading(false)
	err = work(working)
	if errors.Is(context.Cause(working), errLost) {
		return errors.Join(err, errLost)
	}
	return err
}

// elector closes begun once it holds the lease.
func (l Lease) elector(begun chan struct{}) (*leaderelection.LeaderElector, error) {
	client, err := coordination.NewForConfig(l.Config)
	if err != nil {
		return nil, err
	}
	return leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta: metav1.ObjectMeta{Namespace: l.Namespace, Name: LeaseName}, Client: client, LockConfig: resourcelock.ResourceLockConfig{Identity: l.Identity},
		},
		LeaseDuration: leaseTime, RenewDeadline: renewTime, RetryPeriod: retryPeriod, ReleaseOnCancel: true, Name: LeaseName,
		Callbacks: leaderelection.LeaderCallbacks{OnStartedLeading: func(context.Context) { close(begun) }, OnStoppedLeading: func() {}},
	})
}
