import { Component, h, type FunctionComponent } from 'preact';

// A component that is drawn again only when one of its properties is another value.
export function memo<P extends object>(View: FunctionComponent<P>) {
  return class extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const old = this.props as Record<string, unknown>;
      return Object.entries(next).some(([key, value]) => old[key] !== value);
    }
    override render() {
      return h(View as FunctionComponent<object>, this.props as object);
    }
  };
}
