// Completion scripts for bash, zsh and fish, from the tree of commands. Pure text.

import type { CommandNode, FlagNode, ValueKind } from './command-tree.ts';

/** For `source <(bivdiff completion bash)`. Works with bash 3 and without the bash-completion package. */
export function bashCompletion(tree: readonly CommandNode[]): string {
  const commands = tree.map((node) => {
    const words = [...node.subcommands, ...node.flags.map(({ name }) => name)];
    const operand = bashValue(node.operand);
    return `    '${node.path}') words='${words.join(' ')}'; operand='${operand}' ;;`;
  });
  const values = new Map<string, string>();
  for (const { flags } of tree) {
    for (const { name, value } of flags) if (value !== 'none') values.set(name, bashValue(value));
  }
  const flagCases = [...values].map(([name, value]) => `    ${name}) values='${value}' ;;`);
  const known = tree.map(({ path }) => `'${path}'`).filter((path) => path !== "''");
  return `# bash completion for bivdiff; load it with: source <(bivdiff completion bash)
_bivdiff() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local path='' word index words='' operand='' values=''
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    case "\${path:+$path }$word" in
    ${known.join('|')}) path="\${path:+$path }$word" ;;
    esac
  done
  case $path in
${commands.join('\n')}
  esac
  case $previous in
${flagCases.join('\n')}
  esac
  if [[ -z $values ]]; then
    if [[ $current == -* || -z $operand ]]; then values=$words; else values=$operand; fi
  fi
  COMPREPLY=()
  case $values in
    @file) COMPREPLY=($(compgen -f -- "$current")) ;;
    @folder) COMPREPLY=($(compgen -d -- "$current")) ;;
    @text) ;;
    *) COMPREPLY=($(compgen -W "$values" -- "$current")) ;;
  esac
}
complete -o filenames -F _bivdiff bivdiff
`;
}

/** For `source <(bivdiff completion zsh)`. */
export function zshCompletion(tree: readonly CommandNode[]): string {
  const cases = tree.map((node) => {
    const specs = node.flags.map((flag) => `      ${zshFlag(flag)} \\`);
    const operand =
      node.subcommands.length > 0
        ? `'*:command:(${node.subcommands.join(' ')})'`
        : `'*::operand:${zshValue(node.operand)}'`;
    return `    '${node.path}')\n      _arguments \\\n${specs.join('\n')}\n      ${operand} ;;`;
  });
  const known = tree.map(({ path }) => `'${path}'`).filter((path) => path !== "''");
  return `#compdef bivdiff
# zsh completion for bivdiff; load it with: source <(bivdiff completion zsh)
_bivdiff() {
  local command='' word
  for word in \${words[2,CURRENT-1]}; do
    case "\${command:+$command }$word" in
    ${known.join('|')}) command="\${command:+$command }$word" ;;
    esac
  done
  case $command in
${cases.join('\n')}
  esac
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
compdef _bivdiff bivdiff
`;
}

/** For ~/.config/fish/completions/bivdiff.fish. */
export function fishCompletion(tree: readonly CommandNode[]): string {
  const lines = ['# fish completion for bivdiff', 'complete -c bivdiff -f'];
  for (const node of tree) {
    const condition = fishCondition(node, tree);
    for (const name of node.subcommands) {
      const sub = tree.find(({ path }) => path === `${node.path} ${name}`.trim());
      lines.push(`complete -c bivdiff -n '${condition}' -a ${name} -d '${quoted(sub?.doc ?? '')}'`);
    }
    if (node.operand === 'file' || node.operand === 'folder') {
      lines.push(`complete -c bivdiff -n '${condition}' -F`);
    } else if (typeof node.operand === 'object') {
      lines.push(`complete -c bivdiff -n '${condition}' -a '${node.operand.join(' ')}'`);
    }
    for (const { name, doc, value } of node.flags) {
      const long = name.replace(/^--/, '');
      lines.push(
        `complete -c bivdiff -n '${condition}' -l ${long}${fishValue(value)} -d '${quoted(doc)}'`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

function bashValue(value: ValueKind): string {
  if (typeof value === 'object') return value.join(' ');
  return value === 'none' ? '' : `@${value}`;
}

function zshFlag({ name, doc, value }: FlagNode): string {
  const text = doc.replaceAll("'", "'\\''").replaceAll(/[[\]:]/g, ' ');
  return value === 'none' ? `'${name}[${text}]'` : `'${name}[${text}]:value:${zshValue(value)}'`;
}

function zshValue(value: ValueKind): string {
  if (typeof value === 'object') return `(${value.join(' ')})`;
  if (value === 'file') return '_files';
  return value === 'folder' ? '_files -/' : ' ';
}

function fishCondition(node: CommandNode, tree: readonly CommandNode[]): string {
  if (node.path === '') return '__fish_use_subcommand';
  const [first = '', second] = node.path.split(' ');
  if (second !== undefined) {
    return `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`;
  }
  const below = tree.find(({ path }) => path === first)?.subcommands ?? [];
  const none = below.length === 0 ? '' : `; and not __fish_seen_subcommand_from ${below.join(' ')}`;
  return `__fish_seen_subcommand_from ${first}${none}`;
}

function fishValue(value: ValueKind): string {
  if (typeof value === 'object') return ` -x -a '${value.join(' ')}'`;
  if (value === 'none') return '';
  return value === 'text' ? ' -x' : ' -r -F';
}

function quoted(text: string): string {
  return text.replaceAll("'", "\\'");
}
