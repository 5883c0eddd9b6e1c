/* verb_completion.c - the scripts by which shells ask for candidates (verb_complete.c). */
#include <stdio.h>
#include <string.h>

#include "mixctl.h"

static const char complete_bash[] =
	"_mixctl() {\n"
	"	local line=${COMP_LINE:0:COMP_POINT} cur prefix candidate\n"
	"	local -a words\n"
	"	read -ra words <<<\"$line\"\n"
	"	[[ $line == *[[:space:]] ]] && words+=(\"\")\n"
	"	cur=${words[${#words[@]}-1]}\n"
	"	# Readline replaces what follows the last = or : only.\n"
	"	prefix=${cur%\"${cur##*[=:]}\"}\n"
	"	COMPREPLY=()\n"
	"	while IFS=$'\\t' read -r candidate _; do\n"
	"		COMPREPLY+=(\"${candidate#\"$prefix\"}\")\n"
	"	done < <(mixctl __complete $((${#words[@]} - 1)) \"${words[@]}\" 2>/dev/null)\n"
	"	[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[.=] ]] && compopt -o nospace\n"
	"	[[ ${#COMPREPLY[@]} -eq 0 ]] && compopt -o default\n"
	"	return 0\n"
	"}\n"
	"complete -F _mixctl mixctl\n";

static const char complete_zsh[] =
	"#compdef mixctl\n"
	"_mixctl() {\n"
	"	local -a open closed\n"
	"	local line candidate\n"
	"	for line in \"${(@f)$(mixctl __complete $((CURRENT - 1)) \"${(@)words}\" "
	"2>/dev/null)}\"; do\n"
	"		candidate=${line%%$'\\t'*}\n"
	"		[[ -z $candidate ]] && continue\n"
	"		if [[ $candidate == *[.=] ]]; then open+=($candidate); else "
	"closed+=($candidate); fi\n"
	"	done\n"
	"	(( ${#open} )) && compadd -S '' -a open\n"
	"	(( ${#closed} )) && compadd -a closed\n"
	"	(( ${#open} + ${#closed} )) || _files\n"
	"}\n"
	"if [[ $funcstack[1] = _mixctl ]]; then _mixctl \"$@\"; else compdef _mixctl mixctl; fi\n";

static const char complete_fish[] =
	"function __mixctl_complete\n"
	"	set -l words (commandline -opc)\n"
	"	mixctl __complete (count $words) $words (commandline -ct) 2>/dev/null\n"
	"end\n"
	"complete -c mixctl -f -a '(__mixctl_complete)'\n"
	"complete -c mixctl -s f -l file -r -F\n";

int verb_completion(struct mixctl *m)
{
	static const struct {
		const char *shell, *script;
	} scripts[] = {{"bash", complete_bash}, {"zsh", complete_zsh}, {"fish", complete_fish}};

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		if (strcmp(m->args[0], scripts[i].shell) == 0) {
			fputs(scripts[i].script, stdout);
			return EXIT_YES;
		}
	}
	return mixctl_error(m, EXIT_USAGE, m->args[0], "bash, zsh or fish", "no such shell");
}
