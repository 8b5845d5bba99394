# Completion of nexflow and nexflowd for bash.

_nexflow_words()
{
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(compgen -W "$1" -- "$current")
}

_nexflow_files()
{
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(compgen -f -- "$current")
    compopt -o filenames 2>/dev/null
}

_nexflow_command()
{
    local verb=${words[1]:-} count=${#words[@]}
    case ${words[0]} in
        up) _nexflow_words "--yes --help" ;;
        doctor) _nexflow_words "--json --help" ;;
        link) _nexflow_words "--help" ;;
        chat) [ "$previous" = --session ] || _nexflow_words "--session --help" ;;
        migrate | status) _nexflow_words "--help" ;;
        config) [ "$count" -gt 1 ] || _nexflow_words "check show schema reference --help" ;;
        backup)
            if [ "$count" = 1 ]; then
                _nexflow_words "create verify restore --help"
            else
                _nexflow_files
            fi
            ;;
        user)
            if [ "$count" = 1 ]; then
                _nexflow_words "list add role block unblock invite accounts link unlink --help"
            elif [ "$count" = 3 ] && [[ $verb = add || $verb = role ]]; then
                _nexflow_words "owner admin user"
            elif [ "$count" = 3 ] && [[ $verb = link || $verb = unlink ]]; then
                _nexflow_words "telegram discord"
            fi
            ;;
        pair)
            case $previous in
                --user) _nexflow_words "me" ;;
                --name) ;;
                --role) _nexflow_words "owner admin user" ;;
                *) _nexflow_words "--user --name --role --deny --help" ;;
            esac
            ;;
        channel)
            if [ "$count" = 1 ]; then
                _nexflow_words "list add remove test --help"
            elif [ "$verb" = add ]; then
                case $previous in
                    --name | --api-base) ;;
                    *) _nexflow_words "telegram discord --name --api-base --no-wait --help" ;;
                esac
            fi
            ;;
        approval)
            if [ "$count" = 1 ]; then
                _nexflow_words "list allow deny --help"
            elif [ "$verb" = list ]; then
                _nexflow_words "--json --help"
            fi
            ;;
        skill)
            if [ "$count" = 1 ]; then
                _nexflow_words "new build test install list show run enable disable remove logs --help"
            else
                case $verb in
                    build | test) _nexflow_files ;;
                    install) [[ $current = -* ]] && _nexflow_words "--yes --help" || _nexflow_files ;;
                    list | show | run) _nexflow_words "--json --help" ;;
                    enable) _nexflow_words "--yes --help" ;;
                    remove) _nexflow_words "--data --yes --help" ;;
                    logs) _nexflow_words "--follow --help" ;;
                esac
            fi
            ;;
        schedule)
            if [ "$count" = 1 ]; then
                _nexflow_words "list add show pause resume run remove history --help"
            else
                case $previous in
                    --when | --cron | --zone | --session) ;;
                    --missed) _nexflow_words "skip once all" ;;
                    *)
                        if [ "$verb" = add ]; then
                            _nexflow_words "--when --cron --ask --zone --missed --session --json --help"
                        else
                            _nexflow_words "--json --help"
                        fi
                        ;;
                esac
            fi
            ;;
        task)
            if [ "$previous" = --status ]; then
                _nexflow_words "pending running waiting_approval completed failed cancelled unknown"
            elif [ "$count" = 1 ]; then
                _nexflow_words "list show cancel --help"
            elif [ "$verb" = list ]; then
                _nexflow_words "--status --json"
            elif [ "$verb" = show ]; then
                _nexflow_words "--json"
            fi
            ;;
    esac
}

_nexflow()
{
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local words=() word i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do # what stands before the cursor, without our own options
        case ${COMP_WORDS[i]} in
            -c | --config) [ ${#words[@]} = 0 ] && { i=$((i + 1)); continue; } ;;
        esac
        words+=("${COMP_WORDS[i]}")
    done
    if [ ${#words[@]} = 0 ]; then
        case $previous in
            -c | --config) _nexflow_files ;;
            *) _nexflow_words "up chat doctor link task schedule skill approval user pair channel config backup migrate status --config --version --help" ;;
        esac
    else
        _nexflow_command
    fi
}

_nexflowd()
{
    local current=${COMP_WORDS[COMP_CWORD]} word
    case ${COMP_WORDS[COMP_CWORD - 1]} in
        -c | --config) _nexflow_files ;;
        *) _nexflow_words "--config --link --version --help" ;;
    esac
}

complete -F _nexflow nexflow
complete -F _nexflowd nexflowd
