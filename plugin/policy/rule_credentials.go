package policy

import (
	"regexp"
	"strings"
)

// credentialFormat is how a credential of a known issuer looks.
type credentialFormat struct {
	what string
	// marks are texts, one of which every such credential holds. Looking for them
	// costs little, so most values never meet the expression.
	marks []string
	shape *regexp.Regexp
}

// The formats that their issuers publish.
var (
	formatAWS     = regexp.MustCompile(`\b(AKIA|ASIA)[0-9A-Z]{16}\b`)
	formatGitHub  = regexp.MustCompile(`\b(gh[pousr]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z_]{22,})`)
	formatGitLab  = regexp.MustCompile(`\bgl(pat|dt|rt|cbt|ptt|soat)-[0-9A-Za-z_-]{20,}`)
	formatSlack   = regexp.MustCompile(`\bxox[abeoprs]-[0-9A-Za-z-]{10,}|hooks\.slack\.com/services/T[0-9A-Z]+/B[0-9A-Z]+/[0-9A-Za-z]+`)
	formatGoogle  = regexp.MustCompile(`\bAIza[0-9A-Za-z_-]{35}`)
	formatStripe  = regexp.MustCompile(`\b[sr]k_live_[0-9A-Za-z]{16,}`)
	formatNPM     = regexp.MustCompile(`\bnpm_[0-9A-Za-z]{36}`)
	formatPyPI    = regexp.MustCompile(`\bpypi-AgEI[0-9A-Za-z_-]{16,}`)
	formatOcean   = regexp.MustCompile(`\bdo[opr]_v1_[0-9a-f]{64}`)
	formatGrid    = regexp.MustCompile(`\bSG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}`)
	formatVault   = regexp.MustCompile(`\bhv[sbr]\.[0-9A-Za-z_-]{24,}`)
	formatAzure   = regexp.MustCompile(`AccountKey=[0-9A-Za-z+/]{40,}|SharedAccessKey=[0-9A-Za-z+/]{40,}`)
	formatJWT     = regexp.MustCompile(`\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}`)
	formatPrivate = regexp.MustCompile(`-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY( BLOCK)?-----`)
	formatURL     = regexp.MustCompile(`[a-z][a-z0-9+.-]*://[^/?#@:\s"'<>{}$%]+:[^$<{%/?#@\s"'][^/?#@\s"']*@`)
)

func credentialFormats() []credentialFormat {
	return []credentialFormat{
		{"an access key of AWS", []string{"AKIA", "ASIA"}, formatAWS},
		{"a token of GitHub", []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"}, formatGitHub},
		{"a token of GitLab", []string{"glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glsoat-"}, formatGitLab},
		{"a token or webhook of Slack", []string{"xox", "hooks.slack.com"}, formatSlack},
		{"an API key of Google", []string{"AIza"}, formatGoogle},
		{"a live key of Stripe", []string{"k_live_"}, formatStripe},
		{"a token of npm", []string{"npm_"}, formatNPM},
		{"a token of PyPI", []string{"pypi-AgEI"}, formatPyPI},
		{"a token of DigitalOcean", []string{"_v1_"}, formatOcean},
		{"an API key of SendGrid", []string{"SG."}, formatGrid},
		{"a token of Vault", []string{"hvs.", "hvb.", "hvr."}, formatVault},
		{"a key of Azure", []string{"AccountKey=", "SharedAccessKey="}, formatAzure},
		{"a signed token (JWT)", []string{"eyJ"}, formatJWT},
		{"a private key", []string{"PRIVATE KEY"}, formatPrivate},
		{"a password in a URL", []string{"://"}, formatURL},
	}
}

// knownCredential names what a text holds, or is empty. It never quotes it.
func knownCredential(formats []credentialFormat, text string) string {
	for _, format := range formats {
		for _, mark := range format.marks {
			if strings.Contains(text, mark) && format.shape.MatchString(text) {
				return format.what
			}
		}
	}
	return ""
}

// Names of what holds a credential, as in the rule secrets/env-literal, and
// values that are none: references, paths, numbers, switches, placeholders.
var (
	credentialName = regexp.MustCompile(`(^|_)(PASSWORD|PASSWD|PASSPHRASE|API_?KEY|API_?TOKEN|(AUTH|ACCESS|BEARER|REFRESH|SECURITY|SESSION|BOT|DEPLOY|PERSONAL_ACCESS)_?TOKEN|` +
		`SECRET_?KEY|SECRET_ACCESS_?KEY|ACCESS_?KEY|ACCOUNT_?KEY|PRIVATE_?KEY|ENCRYPTION_?KEY|SIGNING_?KEY|MASTER_?KEY|` +
		`(CLIENT|JWT|APP|SESSION|COOKIE|SIGNING|WEBHOOK|SHARED|HMAC|OAUTH2?|AUTH|API)_?SECRET|CREDENTIALS?|CONNECTION_?STRING)$|_(PASS|PWD|PSW|TOKEN)$`)
	noCredential   = regexp.MustCompile(`^([$][({].*|/.*|[0-9.]{0,4}|true|false|TRUE|FALSE|none|null|<.*>|\{\{.*\}\})$`)
	credentialLine = regexp.MustCompile(`(?m)^[ \t]*(?:export |-[ ]+)?["']?([A-Za-z][A-Za-z0-9_.-]*)["']?[ \t]*[:=][ \t]*["']?([^"'\s#;,]+)`)
	camelHump      = regexp.MustCompile(`([a-z0-9])([A-Z])`)
)

// namesCredential reports whether a name says that its value is a credential:
// dbPassword, db.password, DB_PASSWORD.
func namesCredential(name string) bool {
	name = camelHump.ReplaceAllString(name, "${1}_${2}")
	return credentialName.MatchString(strings.NewReplacer("-", "_", ".", "_").Replace(strings.ToUpper(name)))
}

// isLiteral reports whether a value could be a credential at all.
func isLiteral(value string) bool { return !noCredential.MatchString(strings.TrimSpace(value)) }

// credentialLines are the names of settings in a text, one a line, whose values
// are credentials in the open.
func credentialLines(text string) []string {
	var names []string
	for _, match := range credentialLine.FindAllStringSubmatch(text, -1) {
		if namesCredential(match[1]) && isLiteral(match[2]) {
			names = append(names, match[1])
		}
	}
	return names
}
