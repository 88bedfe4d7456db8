package argocd

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assay-gitops/assay/plugin"
)

// refuse answers about a request that did not come as far as the pipeline.
func (s *Server) refuse(ctx context.Context, got received, while string, err error) error {
	answer := s.door.answer(ctx, s.door.failed(got.asked.source(nil, got.folder), err))
	s.tell(ctx, answer.Verdict, while)
	return status.Error(code(answer.Verdict), answer.Message)
}

func (s *Server) tell(ctx context.Context, v *plugin.Verdict, decided string) {
	describe(ctx, v, decided)
	s.metrics.verdicts.Count(v, decided)
	if s.options.Told != nil {
		s.options.Told(v)
	}
}

// code tells a denial from no answer, for whoever reads the log of Argo CD.
func code(v *plugin.Verdict) codes.Code {
	if v.Outcome() == plugin.Unanswered {
		return codes.Unavailable
	}
	return codes.FailedPrecondition
}
