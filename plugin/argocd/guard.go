package argocd

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assay-gitops/assay/plugin"
)

// guardUnary and guardStream make a panic a denial: the process has other
// applications to judge.
func (s *Server) guardUnary(ctx context.Context, asked any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (answer any, err error) {
	defer func() { err = s.denyPanic(recover(), err) }()
	return next(ctx, asked)
}

func (s *Server) guardStream(service any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	defer func() { err = s.denyPanic(recover(), err) }()
	return next(service, stream)
}

func (s *Server) denyPanic(panicked any, err error) error {
	if panicked == nil {
		return err
	}
	s.logPanic(panicked)
	return status.Error(codes.FailedPrecondition, PanicMessage)
}

// judged answers about what arrived. A panic is an error with its stack in the
// log, so that it is told and counted as any other denial.
func (s *Server) judged(ctx context.Context, got received, root *os.Root) (answer Answer, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			s.logPanic(panicked)
			err = &plugin.Refusal{Rule: stage + "/failed", Message: "an internal error of assay, not of the application", Hint: "please report it with what the sidecar's log says about a panic"}
		}
	}()
	return s.door.answer(ctx, s.door.settle(ctx, got.asked.source(root, got.folder), turn{s.enter, s.leaving})), nil
}

// PanicMessage is the denial where a panic left nothing else to say.
const PanicMessage = "assay denied the application: an internal error of assay, not of the application; please report it with what the sidecar's log says about a panic"

func (s *Server) logPanic(panicked any) {
	s.options.Log.Error("a panic was made a denial", "panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
}

// recovered makes a panic of work beside the request an error of that work.
func recovered(err *error) {
	if panicked := recover(); panicked != nil {
		*err = fmt.Errorf("an internal error of assay: %v", panicked)
	}
}
